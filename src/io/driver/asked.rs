//! An action on its way: it gives one answer, whatever becomes of it.

use kintail_engine::event::{Event, Outcome};
use kintail_engine::ids::ActionId;
use tokio::sync::mpsc::UnboundedSender;

/// An action that is not answered yet.
#[derive(Debug)]
pub(super) struct Asked {
    id: ActionId,
    /// Taken with the answer.
    answers: Option<UnboundedSender<Event>>,
}

impl Asked {
    /// The action `id`, to be answered there.
    pub(super) fn new(id: ActionId, answers: UnboundedSender<Event>) -> Self {
        Self { id, answers: Some(answers) }
    }

    /// Answers.
    pub(super) fn answer(mut self, outcome: Outcome) {
        self.give(outcome);
    }

    /// A callback that answers with what it gets.
    pub(super) fn with<T>(
        self,
        wrap: impl FnOnce(T) -> Outcome + Send + 'static,
    ) -> impl FnOnce(T) + Send + 'static {
        move |value| self.answer(wrap(value))
    }

    fn give(&mut self, outcome: Outcome) {
        if let Some(answers) = self.answers.take() {
            // The loop may have ended before a call that hung.
            let _ = answers.send(Event::Done { id: self.id, outcome });
        }
    }
}

/// Who was to answer is gone: a task that was aborted, a thread that panicked.
impl Drop for Asked {
    fn drop(&mut self) {
        self.give(Outcome::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::unbounded_channel;

    #[test]
    fn an_action_is_answered_once_also_when_it_is_forgotten() {
        let (answers, mut arrived) = unbounded_channel();
        Asked::new(ActionId(1), answers.clone()).answer(Outcome::Closed);
        drop(Asked::new(ActionId(2), answers.clone()).with(Outcome::Saved));
        drop(answers);
        let Some(Event::Done { id: ActionId(1), outcome: Outcome::Closed }) = arrived.blocking_recv() else {
            panic!("the answer");
        };
        let Some(Event::Done { id: ActionId(2), outcome: Outcome::Cancelled }) = arrived.blocking_recv()
        else {
            panic!("the cancellation");
        };
        assert!(arrived.blocking_recv().is_none());
    }
}
