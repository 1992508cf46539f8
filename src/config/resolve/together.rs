//! What only all flows together can get wrong: names, loops, memory.

use super::Resolver;
use crate::config::Config;
use crate::config::paths;
use crate::config::section::Section;
use crate::config::units::format_size;
use kintail_engine::settings::{Destination, least_memory};

impl Resolver<'_> {
    /// Judges all flows; `sections` are theirs, in the same order. Names the only flow.
    pub(in crate::config) fn together(&mut self, config: &mut Config, root: &Section, sections: &[Section]) {
        if sections.is_empty() {
            let help = "the least is\n[[flow]]\nfiles = [\"/var/log/*.log\"]\nstdout = true";
            self.errors.push(None, "there is no flow", help);
        }
        self.names(config, sections);
        self.outputs(config, sections);
        let least = least_memory(&config.engine);
        let agent = root.table("agent");
        if config.engine.agent.memory < least {
            let spot = agent.written("memory").map(|places| places.value.clone());
            let help = format!("these flows need at least \"{}\"", format_size(least.next_multiple_of(1024)));
            self.errors.push(spot, "`memory` is too small for the largest line of each flow", help);
        }
    }

    fn names(&mut self, config: &mut Config, sections: &[Section]) {
        let flows = &mut config.engine.flows;
        if let [flow] = &mut flows[..]
            && sections[0].written("name").is_none()
        {
            "default".clone_into(&mut flow.name);
        }
        for (at, section) in sections.iter().enumerate() {
            let name = &flows[at].name;
            if name.is_empty() && !section.faulty("name") {
                let help = "each of several flows needs a name of its own: name = \"web\"";
                self.errors.push(section.spot("name"), "a flow without a name", help);
            } else if let Some(first) =
                flows[..at].iter().position(|flow| !name.is_empty() && flow.name == *name)
            {
                let also = (sections[first].spot("name"), "the first one");
                let help = "give it another: the name owns the offsets";
                self.errors.push_pair(section.spot("name"), "two flows of the same name", also, help);
            }
        }
    }

    /// Files that two flows write, and files that are written and followed.
    fn outputs(&mut self, config: &Config, sections: &[Section]) {
        let flows = &config.engine.flows;
        for (at, flow) in flows.iter().enumerate() {
            let Destination::File { path, .. } = &flow.destination else { continue };
            let spot = sections[at].spot("file");
            let written = |other: &kintail_engine::settings::Flow| matches!(&other.destination, Destination::File { path: theirs, .. } if theirs == path);
            if let Some(first) = flows[..at].iter().position(written) {
                let also = (sections[first].spot("file"), "the first one");
                self.errors.push_pair(
                    spot.clone(),
                    "two flows write the same file",
                    also,
                    "give each its own",
                );
            }
            let follower = flows.iter().position(|other| paths::follows(&other.files, &other.exclude, path));
            if let Some(follower) = follower {
                let also = (sections[follower].spot("files"), "it is followed here");
                let help = "write it elsewhere, or add it to `exclude`: it would be shipped round and round";
                self.errors.push_pair(spot, "the destination file is followed too", also, help);
            }
        }
    }
}
