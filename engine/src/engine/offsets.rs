//! Saving: what changed since the last transaction, and when the next one goes.

use super::{Asked, Engine, FlowStart, Phase};
use crate::Level;
use crate::command::Reply;
use crate::event::{Do, Now, StoreError};
use crate::follow::{Ending, File, Row};
use crate::ids::{CommandId, CursorId, FileId, FlowId};
use crate::settings::StartAt;
use crate::state::{FlowRow, Put, Transaction};
use crate::status::histogram::Histogram;
use crate::timer::Timer;
use std::collections::BTreeSet;
use std::time::Duration;

/// Offsets are saved at most so often.
pub(super) const SAVE_EVERY: Duration = Duration::from_secs(1);

/// New ids and epochs of so long are saved together.
const TOGETHER: Duration = Duration::from_millis(20);

/// What is to be saved.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    flows: BTreeSet<FlowId>,
    files: BTreeSet<FileId>,
    cursors: BTreeSet<CursorId>,
    puts: Vec<Put>,
    /// Something waits for the next transaction to be on disk.
    urgent: bool,
    /// Commands that are done when the next transaction is on disk.
    waiting: Vec<CommandId>,
    /// What is new in the configuration is loaded when the next transaction is on disk.
    then_load: bool,
    /// The transaction on its way, and since when.
    saving: Option<(Saving, Duration)>,
    /// How long transactions took.
    pub(super) times: Histogram,
    failures: u32,
    /// The last transaction that was saved, or not.
    pub(super) problem: Option<String>,
}

/// A transaction on its way.
#[derive(Debug)]
struct Saving {
    flows: BTreeSet<FlowId>,
    files: BTreeSet<FileId>,
    cursors: BTreeSet<CursorId>,
    puts: Vec<Put>,
    /// Files whose ids and epochs are in it.
    registered: Vec<FileId>,
    waiting: Vec<CommandId>,
    then_load: bool,
    sync: bool,
}

impl Keeper {
    /// A flow changed.
    pub(super) fn flow(&mut self, flow: FlowId) {
        self.flows.insert(flow);
    }

    /// A file's row changed.
    pub(super) fn file(&mut self, file: FileId) {
        self.files.insert(file);
    }

    /// A cursor changed.
    pub(super) fn cursor(&mut self, cursor: CursorId) {
        self.cursors.insert(cursor);
    }

    /// A file is new, or begins an epoch: all of it is to be saved.
    pub(super) fn whole_file(&mut self, file: FileId) {
        self.files.insert(file);
        self.urgent = true;
    }

    /// Something for the next transaction.
    pub(super) fn later(&mut self, put: Put) {
        self.puts.push(put);
    }

    /// Nothing of this file is to be saved any more.
    pub(super) fn forget(&mut self, file: FileId) {
        self.files.remove(&file);
        self.cursors.retain(|cursor| cursor.file != file);
    }

    /// A command is done when all until now is on disk.
    pub(super) fn reply_when_saved(&mut self, command: CommandId) {
        self.waiting.push(command);
    }

    /// With all until now on disk, the store is read again.
    pub(super) fn load_when_saved(&mut self) {
        self.then_load = true;
    }

    /// What is on its way to the store, or waits for the next transaction.
    pub(super) fn unsaved(&self) -> impl Iterator<Item = &Put> {
        let saving = self.saving.iter().flat_map(|(saving, _)| &saving.puts);
        saving.chain(&self.puts)
    }

    fn is_clean(&self) -> bool {
        self.flows.is_empty() && self.files.is_empty() && self.cursors.is_empty() && self.puts.is_empty()
    }

    fn merge_back(&mut self, saving: Saving) {
        self.flows.extend(saving.flows);
        self.files.extend(saving.files);
        self.cursors.extend(saving.cursors);
        self.waiting.extend(saving.waiting);
        let mut puts = saving.puts;
        puts.append(&mut self.puts);
        self.puts = puts;
        self.urgent |= saving.sync;
    }
}

impl Engine {
    pub(super) fn save_soon(&mut self, now: Now) {
        self.timers.set_by(Timer::Save, now.mono + SAVE_EVERY);
    }

    pub(super) fn save_urgently(&mut self, now: Now) {
        self.keeper.urgent = true;
        if self.keeper.failures == 0 {
            self.timers.set_by(Timer::Save, now.mono + TOGETHER);
        }
    }

    /// Hands out the next transaction, unless one is out.
    pub(super) fn save(&mut self, now: Now) {
        if self.keeper.saving.is_some() || self.phase == Phase::Loading {
            return self.timers.set_by(Timer::Save, now.mono + SAVE_EVERY);
        }
        if self.keeper.is_clean() && !self.keeper.urgent {
            return;
        }
        let (transaction, saving) = self.transaction();
        self.keeper.saving = Some((saving, now.mono));
        self.ask(Asked::Save, Do::Save(transaction));
    }

    /// Whether all is saved, or being saved.
    pub(super) fn is_saved(&self) -> bool {
        self.keeper.is_clean() && self.keeper.saving.is_none()
    }

    pub(super) fn is_saving(&self) -> bool {
        self.keeper.saving.is_some()
    }

    /// The last save failed.
    pub(super) fn cannot_save(&self) -> bool {
        self.keeper.failures > 0
    }

    fn transaction(&mut self) -> (Transaction, Saving) {
        let flows = std::mem::take(&mut self.keeper.flows);
        let files = std::mem::take(&mut self.keeper.files);
        let cursors = std::mem::take(&mut self.keeper.cursors);
        let mut puts = std::mem::take(&mut self.keeper.puts);
        let fixed = puts.clone();
        let sync = std::mem::take(&mut self.keeper.urgent) || self.phase == Phase::Saving;
        let registered: Vec<FileId> = files
            .iter()
            .copied()
            .filter(|id| self.files.get(id).is_some_and(|file| file.row != Row::Saved))
            .collect();
        for file in files.iter().filter_map(|id| self.files.get(id)) {
            puts.push(Put::File(file.to_row()));
            if file.row != Row::Saved {
                puts.extend(self.cursor_rows(file));
            }
        }
        for id in cursors.iter().filter(|id| !registered.contains(&id.file)) {
            puts.extend(self.cursor_row(*id));
        }
        // Last: a flow counts as begun only with its first positions.
        puts.extend(flows.iter().filter_map(|flow| self.flow_row(*flow)));
        let waiting = std::mem::take(&mut self.keeper.waiting);
        let then_load = std::mem::take(&mut self.keeper.then_load);
        for id in &registered {
            if let Some(file) = self.files.get_mut(id) {
                file.row = Row::Saving;
            }
        }
        let saving = Saving { flows, files, cursors, puts: fixed, registered, waiting, then_load, sync };
        (Transaction { puts, sync }, saving)
    }

    fn cursor_rows(&self, file: &File) -> Vec<Put> {
        let name = |flow: FlowId| self.flows[flow.0 as usize].settings.name.clone();
        let placed = file.cursors.iter().filter(|cursor| !cursor.stage.is_seeking());
        let now = placed.map(|cursor| cursor.row(name(cursor.flow), file.id));
        now.map(Put::Cursor).collect()
    }

    fn cursor_row(&self, id: CursorId) -> Option<Put> {
        let file = self.files.get(&id.file)?;
        let name = self.flows[id.flow.0 as usize].settings.name.clone();
        let cursor = file.cursors.iter().find(|cursor| cursor.flow == id.flow && cursor.epoch == id.epoch)?;
        Some(Put::Cursor(cursor.row(name, file.id)))
    }

    pub(super) fn flow_row(&self, id: FlowId) -> Option<Put> {
        let flow = &self.flows[id.0 as usize];
        (flow.start != FlowStart::FirstScan && !flow.is_gone()).then(|| {
            Put::Flow(FlowRow {
                name: flow.settings.name.clone(),
                files: flow.settings.files.clone(),
                last_look: flow.last_look,
                possible_losses: flow.possible_losses,
            })
        })
    }

    pub(super) fn saved(&mut self, result: Result<(), StoreError>, now: Now) {
        let Some((saving, asked)) = self.keeper.saving.take() else { return };
        self.keeper.times.add_time(now.mono.saturating_sub(asked));
        match result {
            Ok(()) => self.saved_well(saving, now),
            Err(error) => self.not_saved(saving, &error),
        }
        if !self.keeper.is_clean() || self.keeper.urgent {
            let wait = match self.keeper.failures {
                0 if self.keeper.urgent => TOGETHER,
                failures => SAVE_EVERY * 2u32.pow(failures.min(3)),
            };
            self.timers.set_by(Timer::Save, now.mono + wait);
        }
    }

    fn saved_well(&mut self, saving: Saving, now: Now) {
        if self.keeper.problem.take().is_some() {
            self.note(Level::Info, "store again", "the store can be written again");
        }
        self.keeper.failures = 0;
        for command in saving.waiting {
            self.reply(command, Reply::Done);
        }
        if saving.then_load {
            self.ask(Asked::LoadArriving, Do::Load);
        }
        self.registered(&saving.registered);
        for flow in saving.flows {
            if self.flow(flow).start == FlowStart::Saving {
                self.begin(flow);
            }
        }
        for id in saving.files {
            self.forget_if_over(id, now);
        }
    }

    /// Ship on without: the log files are still there, and ids that are never saved are not given again either.
    fn not_saved(&mut self, saving: Saving, error: &StoreError) {
        self.note(
            Level::Error,
            "store",
            format!("{error}; shipping goes on, a restart repeats what is not saved"),
        );
        self.keeper.problem = Some(error.to_string());
        self.keeper.failures += 1;
        let registered = saving.registered.clone();
        let flows = saving.flows.clone();
        if saving.then_load {
            // What it does not know yet, we do.
            self.ask(Asked::LoadArriving, Do::Load);
        }
        self.keeper.merge_back(saving);
        for id in registered {
            self.release(id);
        }
        for flow in flows {
            // A flow that starts at the end would skip what is written until it is saved, should it crash before.
            let start = &self.flows[flow.0 as usize];
            if start.start == FlowStart::Saving && start.settings.start_at == StartAt::Beginning {
                self.begin(flow);
            }
        }
    }

    fn registered(&mut self, ids: &[FileId]) {
        for id in ids {
            let Some(file) = self.files.get_mut(id) else { continue };
            // Something was added while the transaction was out: the next one has it.
            if file.row == Row::Saving {
                file.row = Row::Saved;
                self.release(*id);
                self.may_be_spare(*id);
            }
        }
    }

    /// Rows that say how far files are on their way out.
    pub(super) fn keep_endings(&mut self) {
        for file in self.files.values().filter(|file| file.ending == Ending::Finished) {
            self.keeper.files.insert(file.id);
        }
    }
}
