//! Another configuration for the running agent, by signal and by command.

use crate::{Agent, Host, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

impl Host {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A flow of one log to one output.
    fn flow(&self, name: &str, log: &str, out: &str) -> String {
        let (log, out) = (self.path(log), self.path(out));
        format!("[[flow]]\nname = '{name}'\nfiles = ['{}']\nfile = '{}'\n", log.display(), out.display())
    }

    fn configure(&self, text: &str) {
        let agent = format!("[agent]\nstate_dir = '{}'\nrescan = '1s'\n", self.state().display());
        fs::write(self.config(), agent + text).unwrap();
    }

    fn write(&self, log: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(log)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn read(&self, out: &str) -> String {
        fs::read_to_string(self.path(out)).unwrap_or_default()
    }

    #[track_caller]
    fn expect(&self, out: &str, text: &str) {
        wait_until(&format!("{out} is {text:?}, not {:?}", self.read(out)), || self.read(out) == text);
    }
}

impl Agent {
    fn hang_up(&self) {
        kill_process(Pid::from_child(&self.0), Signal::HUP).unwrap();
    }
}

#[test]
fn lines_go_to_the_new_output_and_none_is_lost_or_repeated() {
    let host = Host::new();
    host.configure(&host.flow("web", "a.log", "out"));
    let agent = host.agent();
    for round in 0..10 {
        for line in 0..200 {
            host.write("a.log", &format!("{round} {line}\n"));
            if line == 100 {
                host.configure(&host.flow("web", "a.log", &format!("out{round}")));
                if round % 2 == 0 {
                    host.run(&["reload"]).ended(0);
                } else {
                    agent.hang_up();
                }
            }
        }
        let out = format!("out{round}\"");
        wait_until("the agent writes there", || host.run(&["status", "--json"]).out.contains(&out));
    }
    let outs = || {
        let all = std::iter::once("out".to_owned()).chain((0..10).map(|round| format!("out{round}")));
        all.map(|out| host.read(&out)).collect::<String>()
    };
    wait_until("all is written", || outs().len() == host.read("a.log").len());
    assert_eq!(outs(), host.read("a.log"));
}

#[test]
fn a_flow_comes_and_another_goes_and_comes_back() {
    let host = Host::new();
    host.configure(&host.flow("web", "a.log", "out"));
    let _agent = host.agent();
    host.expect("out", "one\ntwo\nthree\n");
    host.write("b.log", "b\n");
    host.configure(&host.flow("other", "b.log", "other"));
    host.run(&["reload"]).ended(0);
    host.expect("other", "b\n");
    host.write("a.log", "four\n");
    host.write("b.log", "c\n");
    host.expect("other", "b\nc\n");
    host.run(&["status", "--json"]).ended(0).with("\"other\"");
    assert_eq!(host.read("out"), "one\ntwo\nthree\n");
    host.configure(&(host.flow("web", "a.log", "out") + &host.flow("other", "b.log", "other")));
    host.run(&["reload"]).ended(0);
    host.expect("out", "one\ntwo\nthree\nfour\n");
    host.write("a.log", "five\n");
    host.expect("out", "one\ntwo\nthree\nfour\nfive\n");
    assert_eq!(host.read("other"), "b\nc\n");
}

#[test]
fn a_configuration_with_an_error_changes_nothing_and_is_told() {
    let host = Host::new();
    let good = host.flow("web", "a.log", "out");
    host.configure(&good);
    let agent = host.agent();
    host.expect("out", "one\ntwo\nthree\n");
    host.configure(&good.replace("files", "fles"));
    host.run(&["reload"]).ended(78).with("fles");
    host.run(&["status"]).ended(0).with("cannot be taken");
    host.write("a.log", "four\n");
    host.expect("out", "one\ntwo\nthree\nfour\n");
    // Not even TOML, and by signal.
    host.configure("[[flow");
    agent.hang_up();
    wait_until("it is told", || host.run(&["status", "--json"]).out.contains("cannot be taken"));
    host.write("a.log", "five\n");
    host.expect("out", "one\ntwo\nthree\nfour\nfive\n");
    host.configure(&good);
    host.run(&["reload"]).ended(0);
    let said = host.run(&["status"]).ended(0);
    assert!(!said.out.contains("cannot be taken"), "{said:?}");
}

#[test]
fn what_is_right_for_a_start_may_need_one() {
    let host = Host::new();
    let flow = host.flow("web", "a.log", "out");
    host.configure(&flow);
    let _agent = host.agent();
    fs::create_dir(host.path("elsewhere")).unwrap();
    let elsewhere = format!("[agent]\nstate_dir = '{}'\n{flow}", host.path("elsewhere").display());
    // Another state directory: the command looks for an agent there.
    fs::write(host.config(), elsewhere).unwrap();
    host.run(&["reload"]).ended(69);
    // A flow that would read what it writes.
    host.configure(&(host.flow("web", "a.log", "out") + &host.flow("loop", "out", "more")));
    host.run(&["reload"]).ended(78).with("followed too");
    host.run(&["status"]).ended(0).with("cannot be taken");
}

#[test]
fn there_is_no_agent_to_reload() {
    Host::new().run(&["reload"]).ended(69).with("no agent");
}

#[test]
fn metrics_move_and_a_port_that_is_taken_is_no_reason_to_stop() {
    let host = Host::new();
    let flow = host.flow("web", "a.log", "out");
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (first, taken) = (free().local_addr().unwrap(), free());
    host.configure(&flow);
    let _agent = host.agent();
    assert!(TcpStream::connect(first).is_err());
    let listening = |at, per_file| format!("[metrics]\nlisten = '{at}'\nper_file = {per_file}\n{flow}");
    host.configure(&listening(first, false));
    host.run(&["reload"]).ended(0);
    wait_until("metrics are there", || TcpStream::connect(first).is_ok());
    host.configure(&listening(first, true));
    host.run(&["reload"]).ended(0);
    thread::sleep(Duration::from_millis(100));
    wait_until("metrics are there again", || TcpStream::connect(first).is_ok());
    host.configure(&listening(taken.local_addr().unwrap(), true));
    host.run(&["reload"]).ended(0);
    wait_until("metrics are there no more", || TcpStream::connect(first).is_err());
    host.write("a.log", "four\n");
    host.expect("out", "one\ntwo\nthree\nfour\n");
}
