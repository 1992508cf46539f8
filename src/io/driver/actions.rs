//! Does what the engine wants: one method an action. None of them blocks.

use super::Driver;
use super::asked::Asked;
use crate::io::sinks::Question;
use bytes::Bytes;
use jiff::Timestamp;
use kintail_engine::command::Reply;
use kintail_engine::event::{Action, Do, FileError, Letter, Outcome, Request};
use kintail_engine::ids::{CommandId, FlowId};
use kintail_engine::job::Job;
use kintail_engine::state::Transaction;
use std::path::PathBuf;

impl Driver {
    pub(super) fn perform(&mut self, action: Action) {
        let asked = Asked::new(action.id, self.answers.clone());
        match action.what {
            Do::Load => self.load(asked),
            Do::Save(transaction) => self.save(asked, transaction),
            Do::List { dir, wanted } => self.io.files.list(dir, wanted, asked.with(Outcome::Listed)),
            Do::FollowLink { link } => self.io.files.follow_link(link, asked.with(Outcome::Followed)),
            Do::LookDeleted { handle } => {
                self.io.files.look_deleted(handle, asked.with(Outcome::LookedDeleted));
            }
            Do::Look { path } => self.io.files.look(path, asked.with(Outcome::Looked)),
            Do::Open { handle, path, codec } => {
                self.io.files.open(handle, path, codec, asked.with(Outcome::Opened));
            }
            Do::Read { handle, offset, len, .. } => {
                self.io.files.read(handle, offset, len, asked.with(Outcome::Read));
            }
            Do::Measure { handle } => self.io.files.measure(handle, asked.with(Outcome::Measured)),
            Do::Close { handle } => self.io.files.close(handle, || asked.answer(Outcome::Closed)),
            Do::Watch { dir } => self.watch(asked, dir),
            Do::Unwatch { dir } => self.unwatch(asked, dir),
            Do::Compute(job) => Self::compute(asked, job),
            Do::Send(request) => self.send(asked, request),
            Do::ListShards { flow, body } => self.list_shards(asked, flow, body),
            Do::DeadLetters { flow, letters } => self.dead_letters(asked, flow, letters),
            Do::Switch { flow, name } => self.switch(asked, flow, name),
            Do::Reply { command, reply } => self.reply(asked, command, *reply),
        }
    }

    fn load(&mut self, asked: Asked) {
        self.io.keeper.load(asked.with(|saved| Outcome::Loaded(Box::new(saved))));
    }

    fn save(&self, asked: Asked, transaction: Transaction) {
        self.io.keeper.save(transaction, asked.with(Outcome::Saved));
    }

    fn watch(&self, asked: Asked, dir: PathBuf) {
        let watches = self.io.watches.clone();
        self.io.files.at("watch", dir, move |dir| asked.answer(Outcome::Watched(watches.watch(dir))));
    }

    fn unwatch(&self, asked: Asked, dir: PathBuf) {
        let watches = self.io.watches.clone();
        self.io.files.at("unwatch", dir, move |dir| {
            watches.unwatch(dir);
            asked.answer(Outcome::Closed);
        });
    }

    /// Here on the loop: a job takes well under a millisecond, and its bytes are still in this core's cache when
    /// the body is signed.
    fn compute(asked: Asked, job: Job) {
        asked.answer(Outcome::Computed(Box::new(job.run())));
    }

    fn send(&self, asked: Asked, request: Request) {
        let sink = &self.io.sinks[request.flow.0 as usize];
        sink.send(request, asked.with(Outcome::Sent));
    }

    fn list_shards(&self, asked: Asked, flow: FlowId, body: Bytes) {
        let sink = &self.io.sinks[flow.0 as usize];
        sink.ask(Question::Shards, body, asked.with(Outcome::ShardsListed));
    }

    fn dead_letters(&self, asked: Asked, flow: FlowId, letters: Vec<Letter>) {
        let Some((file, dir)) = self.io.keeper.dead_letters() else {
            let nowhere = FileError::Other("there is no state directory".into());
            return asked.answer(Outcome::DeadLettered(Err(nowhere)));
        };
        let flow = self.io.flows[flow.0 as usize].clone();
        self.io.files.at("append", dir, move |_| {
            asked.answer(Outcome::DeadLettered(file.append(&flow, &letters, Timestamp::now())));
        });
    }

    fn reply(&mut self, asked: Asked, command: CommandId, mut reply: Reply) {
        if let Reply::Status(status) = &mut reply {
            self.add_problems(status);
        }
        if let Some(question) = self.questions.remove(&command) {
            // Who asked may have gone away.
            let _ = question.send(reply);
        }
        asked.answer(Outcome::Closed);
    }
}
