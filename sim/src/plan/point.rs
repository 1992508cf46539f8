//! The points at which an agent can die: after which event or action.

use kintail_engine::event::Do;
use kintail_engine::job::Job;

/// What the engine can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    Load,
    Save,
    List,
    Look,
    Open,
    Read,
    Close,
    Watch,
    Unwatch,
    Frame,
    Encode,
    Send,
    DeadLetters,
    Reply,
}

/// The last thing that happened before a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// The engine asked for it.
    Asked(Deed),
    /// It was done, but the engine was not told yet.
    Performed(Deed),
    /// The engine was told how it went.
    Answered(Deed),
    /// The engine was given a notice.
    Notice,
    /// The engine was given a command.
    Command,
    /// The engine was told to end.
    Shutdown,
}

const DEEDS: [Deed; 14] = [
    Deed::Load,
    Deed::Save,
    Deed::List,
    Deed::Look,
    Deed::Open,
    Deed::Read,
    Deed::Close,
    Deed::Watch,
    Deed::Unwatch,
    Deed::Frame,
    Deed::Encode,
    Deed::Send,
    Deed::DeadLetters,
    Deed::Reply,
];

impl Deed {
    /// What an action asks for.
    pub(crate) fn of(what: &Do) -> Self {
        match what {
            Do::Load => Self::Load,
            Do::Save(_) => Self::Save,
            Do::List { .. } => Self::List,
            // What changes nothing.
            Do::FollowLink { .. } | Do::Look { .. } | Do::LookDeleted { .. } | Do::ListShards { .. } => {
                Self::Look
            }
            Do::Open { .. } => Self::Open,
            Do::Read { .. } | Do::Measure { .. } => Self::Read,
            Do::Close { .. } => Self::Close,
            Do::Watch { .. } => Self::Watch,
            Do::Unwatch { .. } => Self::Unwatch,
            Do::Compute(Job::Frame(_)) => Self::Frame,
            Do::Compute(Job::Encode(_)) => Self::Encode,
            Do::Send(_) => Self::Send,
            Do::DeadLetters { .. } => Self::DeadLetters,
            // What the driver does at once, for itself.
            Do::Reply { .. } | Do::Switch { .. } => Self::Reply,
        }
    }
}

impl Point {
    /// The deed that it is about.
    pub(crate) fn deed(self) -> Option<Deed> {
        match self {
            Self::Asked(deed) | Self::Performed(deed) | Self::Answered(deed) => Some(deed),
            Self::Notice | Self::Command | Self::Shutdown => None,
        }
    }

    /// It comes only now and then, so that a death there has to wait for it.
    pub(crate) fn is_rare(self) -> bool {
        matches!(
            self.deed(),
            Some(Deed::Look | Deed::Open | Deed::Close | Deed::Encode | Deed::Unwatch | Deed::DeadLetters)
        )
    }

    /// All of them. What lies between deed and answer matters only where the deed lasts.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let both = DEEDS.into_iter().flat_map(|deed| [Self::Asked(deed), Self::Answered(deed)]);
        let lasting = [Deed::Save, Deed::Send, Deed::DeadLetters].into_iter().map(Self::Performed);
        both.chain(lasting).chain([Self::Notice, Self::Command, Self::Shutdown])
    }
}
