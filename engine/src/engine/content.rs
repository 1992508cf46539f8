//! `identity = "content"`: where inode numbers are not stable, a file that is not open is known again by its name and its
//! first bytes. Whether it is what it was up to the offset shows as it is read on.

use super::Engine;
use super::devices::is_nowhere;
use super::tree::Sighting;
use crate::content;
use crate::event::{Meta, Now};
use crate::follow::File;
use crate::ids::{FileId, FlowId};
use crate::settings::FoundBy;

impl Engine {
    /// What was sighted begins with `head`, and may be a known file that had another inode.
    pub(super) fn mind_the_content(&mut self, sighting: &Sighting, meta: &Meta, head: &[u8], now: Now) {
        if !self.flows.iter().any(|flow| flow.settings.identity == FoundBy::Content) {
            return;
        }
        let known = self.by_identity.get(&meta.identity).and_then(|id| self.files.get(id));
        if known.is_some_and(|file| file.handle.is_some() || file.begins(head)) {
            return;
        }
        if let Some(id) = self.alike_by_name(sighting, head) {
            self.is_called(id, meta.identity, now);
        }
    }

    /// The file that had the name, or one that rotation made this one of, and began so.
    fn alike_by_name(&self, sighting: &Sighting, head: &[u8]) -> Option<FileId> {
        let path = sighting.path();
        let files = self.kin.named(&path).filter_map(|id| self.files.get(&id));
        let alike = files.filter(|file| {
            let tells = content::tells(file.head) && file.begins(head);
            tells && is_nowhere(file, &path) && self.is_found_by_content(file)
        });
        alike.max_by_key(|file| (*file.path == *path, file.head.len, file.id)).map(|file| file.id)
    }

    fn is_found_by_content(&self, file: &File) -> bool {
        let found_by = |flow: FlowId| self.flows[flow.0 as usize].settings.identity;
        file.cursors.iter().any(|cursor| found_by(cursor.flow) == FoundBy::Content)
    }
}
