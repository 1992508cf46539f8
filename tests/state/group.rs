//! `status_group`: who is in it may ask the agent, and neither order nor read its state.

use crate::{Host, Said, wait_until};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;

/// A group that every Debian and Red Hat has, and its number.
const GROUP: (&str, u32) = ("daemon", 1);

/// Nobody's number, who is in no group.
const NOBODY: u32 = 65_534;

impl Host {
    fn with_group(group: &str) -> Self {
        let host = Self::new();
        let config = fs::read_to_string(host.config()).unwrap();
        fs::write(host.config(), config.replacen('\n', &format!("\nstatus_group = '{group}'\n"), 1)).unwrap();
        // The way there is open to all.
        fs::set_permissions(host.dir.path(), Permissions::from_mode(0o755)).unwrap();
        host
    }

    fn run_as(&self, group: u32, args: &[&str]) -> Said {
        Said::from(self.command(args).uid(NOBODY).gid(group).output().unwrap())
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.state().join(name)).unwrap().permissions().mode() & 0o777
    }
}

#[test]
fn a_group_may_ask_and_not_order() {
    assert!(rustix::process::geteuid().is_root(), "only root runs commands as others");
    let host = Host::with_group(GROUP.0);
    let agent = host.agent();
    wait_until("the group's socket is there", || host.state().join("status.sock").exists());
    host.delivers("one\ntwo\nthree\n");
    assert_eq!((host.mode(""), host.mode("status.sock"), host.mode("kintail.sock")), (0o710, 0o660, 0o600));
    assert_eq!(fs::metadata(host.state().join("status.sock")).unwrap().gid(), GROUP.1);
    for entry in fs::read_dir(host.state()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "status.sock" || host.mode(&name).trailing_zeros() >= 6, "{name} is open to others");
    }
    host.run_as(GROUP.1, &["status"]).ended(0).with("healthy");
    host.run_as(GROUP.1, &["offsets", "list"]).ended(0).with("a.log");
    host.run_as(GROUP.1, &["losses", "clear"]).ended(1).with("status_group may only ask");
    host.run_as(NOBODY, &["status"]).ended(73).with("permission denied");
    drop(agent);

    // Without the key nobody gets in any more.
    let config = fs::read_to_string(host.config()).unwrap();
    fs::write(host.config(), config.replace(&format!("status_group = '{}'\n", GROUP.0), "")).unwrap();
    let _agent = host.agent();
    wait_until("the directory is closed", || host.mode("") == 0o700);
    host.run_as(GROUP.1, &["status"]).ended(73);
}

/// Its path is longer than the kernel takes for a socket, so both are reached through the directory's descriptor.
#[test]
fn a_group_may_ask_in_a_state_directory_with_a_long_path() {
    let host = Host::with_group(GROUP.0);
    let long = host.dir.path().join("d".repeat(120)).join("state");
    fs::create_dir_all(&long).unwrap();
    std::os::unix::fs::symlink(&long, host.state()).unwrap();
    let config = fs::read_to_string(host.config()).unwrap();
    fs::write(host.config(), config.replace(host.state().to_str().unwrap(), long.to_str().unwrap())).unwrap();
    let _agent = host.agent();
    wait_until("the group's socket is there", || host.state().join("status.sock").exists());
    host.run_as(GROUP.1, &["status"]).ended(0).with("healthy");
}

#[test]
fn a_group_that_is_none_is_an_error_at_the_start() {
    let host = Host::with_group("no-such-group");
    host.run(&["run"]).ended(78).with("there is no group no-such-group");
}
