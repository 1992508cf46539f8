//! Each way in which a configuration can be wrong: where, what, and the fix.

use crate::{Place, flow};

/// That a configuration has exactly this error.
#[track_caller]
fn one_error(config: &str, (line, column): (u64, u64), message: &str, help: &str) {
    let place = Place::new(config);
    let reports = place.reports();
    assert_eq!(reports.len(), 1, "{reports:#?}");
    let found = &reports[0];
    assert_eq!((found["line"].as_u64(), found["column"].as_u64()), (Some(line), Some(column)), "{found:#}");
    assert_eq!(found["message"], message);
    assert!(found["help"].as_str().unwrap_or_default().contains(help), "{found:#}");
    let said = place.refused();
    assert!(said.contains(&format!("kintail.toml:{line}:{column}\n")), "{said}");
    assert!(said.contains(&format!("error: {message}")) && said.contains('^'), "{said}");
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    let config = flow("stream = \"s\"\npartition_kye = \"random\"");
    one_error(&config, (4, 1), "unknown key `partition_kye`", "did you mean `partition_key`?");
    let config = flow("stdout = true\nmemory = \"1MiB\"");
    one_error(&config, (4, 1), "unknown key `memory`", "it belongs in [agent]");
    let config = flow("stdout = true\nline = { oops = 1 }");
    one_error(&config, (4, 10), "unknown key `oops`", "known here: max_bytes");
}

#[test]
fn lines_are_joined_in_one_way() {
    let multiline = |rest: &str| flow(&format!("stdout = true\nmultiline = {{ {rest} }}"));
    let nothing = "nothing tells which lines belong together";
    one_error(&multiline("max_wait = \"1s\""), (4, 13), nothing, "write one of start, continue, end, preset");
    let two = multiline("start = 'a', end = 'b'");
    one_error(&two, (4, 28), "two ways to join lines", "write one of them");
    one_error(&multiline("start = 'a('"), (4, 23), "not a pattern: unclosed group", "regular expression");
    one_error(&multiline("start = ''"), (4, 23), "an empty pattern", "every line");
}

#[test]
fn a_wrong_unit_is_refused_with_the_right_ones() {
    let config = flow("stdout = true\nmax_record = \"1mb\"");
    one_error(&config, (4, 14), "`max_record`: unknown unit", "B, KiB, MiB, GiB, TiB");
    let config = flow("stdout = true\nclose_after = \"10\"");
    one_error(&config, (4, 15), "`close_after`: the unit is missing", "ms, s, m, h, d");
    let config = flow("stdout = true\nretry = { give_up = \"nevr\" }");
    one_error(&config, (4, 21), "`give_up`: not a whole number with a unit", "or \"never\"");
}

#[test]
fn a_wrong_type_or_choice_is_refused_with_a_right_one() {
    let message = "`close_after` takes a duration with its unit, in quotes, not an integer";
    one_error(&flow("stdout = true\nclose_after = 10"), (4, 15), message, "close_after = \"10s\"");
    let config = flow("stdout = true\nbatch = { max_records = 0 }");
    one_error(&config, (4, 25), "`max_records` is out of range", "from 1 to 10000");
    let config = flow("stdout = true\nstart_at = \"ende\"");
    one_error(&config, (4, 12), "`start_at` is one of \"beginning\", \"end\"", "did you mean \"end\"?");
    let config = "[flow]\nfiles = [\"/x\"]\nstdout = true";
    one_error(config, (1, 1), "`flow` takes a list of tables, not a table", "two brackets: [[flow]]");
    one_error(
        &format!("[agent]\nstate_dir = \"\"\n{}", flow("stdout = true")),
        (2, 13),
        "`state_dir` is empty",
        "",
    );
}

#[test]
fn a_wrong_table_is_one_error() {
    let message = "`assume_role` takes a table, not an integer";
    one_error(&flow("stdout = true\nassume_role = 5"), (4, 15), message, "assume_role = { key = value }");
    let message = "`batch` takes a table, not an array";
    one_error(&flow("stdout = true\nbatch = []"), (4, 9), message, "batch = { key = value }");
    one_error(&flow("file = 5"), (3, 8), "`file` takes a string or a table, not an integer", "file = ");
}

#[test]
fn a_flow_has_exactly_one_destination() {
    let config = flow("stream = \"a\"\nstdout = true");
    one_error(&config, (4, 1), "a second destination of the same flow", "exactly one of stream");
    one_error(&flow(""), (1, 1), "a flow needs a destination", "exactly one of stream");
    one_error(&flow("stdout = false"), (1, 1), "a flow needs a destination", "stdout = true");
}

#[test]
fn names_are_refused_that_their_services_would_refuse() {
    let wrong = "not a stream's name or ARN";
    one_error(&flow("stream = \"a b\""), (3, 10), wrong, "letters, digits");
    one_error(&flow("stream = \"arn:aws:sns:r:1:x\""), (3, 10), wrong, "arn:aws:kinesis:REGION");
    let config = flow("delivery_stream = \"arn:aws:firehose:r:123456789012:deliverystream/d\"");
    one_error(&config, (3, 19), "not a delivery stream's name", "deliverystream/");
    let arn = "stream = \"arn:aws:kinesis:eu-west-1:123456789012:stream/s\"";
    let config = flow(&format!("{arn}\nregion = \"us-east-1\""));
    one_error(&config, (4, 10), "the region is not the one of the ARN", "leave `region` out");
    Place::new(&flow(&format!("{arn}\nregion = \"eu-west-1\""))).right();
}

#[test]
fn limits_of_the_services_are_named() {
    let over = "`max_records` is over the destination's limit";
    one_error(&flow("stream = \"s\"\nbatch.max_records = 501"), (4, 21), over, "at most 500 to a stream");
    let over = "`max_bytes` is over the destination's limit";
    one_error(&flow("stream = \"s\"\nbatch.max_bytes = \"6MiB\""), (4, 19), over, "at most 5MiB to a stream");
    let over = "`max_record` is over the destination's limit";
    let config = flow("delivery_stream = \"s\"\nmax_record = \"1MiB\"");
    one_error(&config, (4, 14), over, "at most 1000KiB to a delivery stream");
    let config = flow(&format!("stream = \"s\"\npartition_key = \"const:{}\"", "ü".repeat(257)));
    one_error(&config, (4, 17), "not a partition key's length", "from 1 to 256");
    Place::new(&flow(&format!("stream = \"s\"\npartition_key = \"const:{}\"", "ü".repeat(256)))).right();
}

#[test]
fn a_bad_glob_is_underlined_within_its_list() {
    let config = "[[flow]]\nfiles = [\"/ok\", \"/var/[a\"]\nstdout = true";
    one_error(config, (2, 17), "unclosed character class; missing ']'", "[a-z]");
    one_error("[[flow]]\nfiles = []\nstdout = true", (2, 9), "a flow needs files", "files = [");
}

#[test]
fn names_are_unique_and_needed_as_soon_as_there_are_two_flows() {
    let named = "[[flow]]\nname = \"a\"\nfiles = [\"/x\"]\nstdout = true\n";
    let config = format!("{named}{named}");
    one_error(&config, (6, 8), "two flows of the same name", "the name owns the offsets");
    let config = format!("{named}{}", flow("stdout = true"));
    one_error(&config, (5, 1), "a flow without a name", "name = \"web\"");
}

#[test]
fn a_written_file_is_not_followed() {
    let followed = "the destination file is followed too";
    one_error("[[flow]]\nfiles = [\"*.log\"]\nfile = \"all.log\"", (3, 8), followed, "add it to `exclude`");
    Place::new("[[flow]]\nfiles = [\"*.log\"]\nexclude = [\"all.log\"]\nfile = \"all.log\"").right();
}

#[test]
fn aggregation_is_refused_where_nothing_could_share_a_record() {
    let with = |body: &str| flow(&format!("{body}\naggregation = true"));
    for right in ["stream = \"s\"", "stream = \"s\"\npartition_key = \"file\"", "delivery_stream = \"s\""] {
        Place::new(&with(right)).right();
    }
    let place = Place::new(&with("stdout = true"));
    assert_eq!(place.reports()[0]["message"], "`aggregation` is for streams and delivery streams");
    for key in ["hash", "field:id"] {
        let place = Place::new(&with(&format!("stream = \"s\"\npartition_key = \"{key}\"")));
        assert_eq!(place.reports()[0]["message"], "`aggregation` needs keys that lines share");
    }
}

#[test]
fn strict_order_is_refused_where_nothing_could_keep_it() {
    let with = |body: &str| flow(&format!("{body}\nordering = \"strict\""));
    let keys = ["", "partition_key = \"const:k\"", "partition_key = \"field:id\"", "aggregation = false"];
    for right in keys.map(|key| format!("stream = \"s\"\n{key}")).iter().chain([&"stdout = true".to_owned()])
    {
        Place::new(&with(right)).right();
    }
    let place = Place::new(&with("delivery_stream = \"s\""));
    assert_eq!(place.reports()[0]["message"], "a delivery stream keeps no order");
    for key in ["hash", "random"] {
        let reports = Place::new(&with(&format!("stream = \"s\"\npartition_key = \"{key}\""))).reports();
        assert_eq!(reports.len(), 1, "{reports:#?}");
        assert_eq!(reports[0]["message"], "`ordering` needs keys that keep it");
    }
}

#[test]
fn too_little_memory_is_refused_with_the_least_that_works() {
    let place = Place::new(&format!("[agent]\nmemory = \"1MiB\"\n{}", flow("stdout = true")));
    let help = place.reports()[0]["help"].as_str().expect("help").to_owned();
    let least = help.split('"').nth(1).expect("a size in quotes");
    Place::new(&format!("[agent]\nmemory = \"{least}\"\n{}", flow("stdout = true"))).right();
}

#[test]
fn what_is_not_in_this_version_is_accepted_at_its_default_alone() {
    let defaults = "stream = \"s\"\narchives = []\ncompressed = false\nidentity = \"auto\"\nordering = \"none\"\n\
                    aggregation = false\naggregate_bytes = \"51200B\"\nrecord_id = false\nwire = \"auto\"";
    let agent = "[agent]\nstatus_group = \"\"\n[aws]\nca_bundle = \"\"\n";
    Place::new(&format!("{agent}{}", flow(defaults))).right();
    for (body, what) in [
        ("topic = \"t\"", "`topic`"),
        ("stream = \"s\"\n[aws.endpoints]\ncloudwatch = \"http://h\"", "`cloudwatch`"),
        ("stream = \"s\"\n[kafka]\nbrokers = []", "`kafka`"),
    ] {
        let reports = Place::new(&flow(body)).reports();
        assert_eq!(reports.len(), 1, "{reports:#?}");
        assert_eq!(reports[0]["message"], format!("{what} is not in this version"));
    }
}

#[test]
fn all_errors_are_reported_at_once() {
    let config = "[agent]\nrescan = 5\nmemroy = \"1MiB\"\n\
                  [[flow]]\nname = \"a\"\nfiles = [\"/[\"]\n\
                  [[flow]]\nname = \"a\"\nfiles = [\"${KINTAIL_NOT_SET}\"]\nstream = \"s\"\nstdout = true\n";
    let place = Place::new(config);
    let reports = place.reports();
    let lines: Vec<_> = reports.iter().map(|report| report["line"].as_u64().expect("a line")).collect();
    assert_eq!(lines, [2, 3, 4, 6, 8, 9, 11], "{reports:#?}");
    assert!(place.refused().ends_with("kintail: 7 errors in the configuration\n"));
}

#[test]
fn broken_toml_is_shown_where_it_breaks() {
    one_error("[agent]\nmemory = \"1MiB\n", (2, 15), "invalid basic string, expected `\"`", "");
}

#[test]
fn a_byte_that_is_no_utf8_is_shown_where_it_is_with_the_fix() {
    let place = Place::new("");
    let latin1 = b"# our logs\n[[flow]] # caf\xe9\nfiles = [\"/x\"]\nstdout = true\n";
    std::fs::write(place.file(), latin1).expect("written");
    let said = place.refused();
    assert!(said.contains("error: not UTF-8\n") && said.contains("kintail.toml:2:15\n"), "{said}");
    assert!(said.contains("save the file as UTF-8") && !said.contains("config default"), "{said}");
}

#[test]
fn a_file_of_conf_d_that_cannot_be_read_is_not_answered_with_advice_for_the_main_one() {
    let place = Place::new(&flow("stdout = true"));
    std::fs::create_dir_all(place.dir.path().join("conf.d/old.toml")).expect("a directory");
    let said = place.refused();
    assert!(said.contains("conf.d/old.toml: ") && said.contains("move it away"), "{said}");
    assert!(!said.contains("config default"), "{said}");
}

#[test]
fn an_unset_variable_is_named_with_the_way_to_give_a_default() {
    let unset = "the environment variable `KINTAIL_NOT_SET` is not set";
    one_error(&flow("stream = \"${KINTAIL_NOT_SET}\""), (3, 10), unset, "${KINTAIL_NOT_SET:-default}");
    let form = "neither `${NAME}` nor `${NAME:-default}`";
    one_error(&flow("stream = \"${a b}\""), (3, 10), form, "$${");
    Place::new(&flow("stream = \"${KINTAIL_NOT_SET:-clicks}\"")).right();
}

#[test]
fn conf_d_adds_flows_in_order_and_a_clash_names_both_places() {
    let place = Place::new("[[flow]]\nname = \"a\"\nfiles = [\"/x\"]\nstdout = true\n");
    place.write("conf.d/2.toml", "[[flow]]\nname = \"c\"\nfiles = [\"rel\"]\nstdout = true\n");
    place.write("conf.d/1.toml", "[[flow]]\nname = \"b\"\nfiles = [\"/x\"]\nstdout = true\n");
    place.write("conf.d/.hidden.toml", "nonsense");
    place.write("conf.d/readme", "nonsense");
    let shown = crate::text(&place.run(&["config", "show"]).stdout);
    let names: Vec<&str> = shown.lines().filter(|line| line.starts_with("name")).collect();
    assert_eq!(names, ["name = \"a\"", "name = \"b\"", "name = \"c\""]);
    let rel = place.dir.path().canonicalize().expect("the directory").join("rel");
    assert!(shown.contains(&format!("files = [\"{}\"]", rel.display())), "{shown}");

    let third = "[agent]\nmemory = \"1GiB\"\n[[flow]]\nname = \"a\"\nfiles = [\"/x\"]\nstdout = true\n";
    place.write("conf.d/3.toml", third);
    let said = place.refused();
    assert!(said.contains("conf.d/3.toml:1:2\n") && said.contains("move it to the main file"), "{said}");
    assert!(said.contains("conf.d/3.toml:4:8\n") && said.contains("kintail.toml:2:8\n"), "{said}");
}

#[test]
fn a_wrong_step_is_refused_with_its_place_and_the_fix() {
    let step = |lines: &str| flow(&format!("stdout = true\n[[flow.process]]\n{lines}"));
    let known = [
        ("parse = \"jsno\"", 9, "`parse` is one of", "did you mean \"json\"?"),
        ("parse = \"json\"\npaterns = 'x'", 1, "unknown key `paterns`", "did you mean `pattern`?"),
        ("parse = \"json\"\npattern = 'x'", 1, "`pattern` means nothing here", "parse = \"regex\""),
        ("on_error = \"drop\"", 1, "a step that does nothing", "parse, types, add"),
        ("parse = \"json\"\nadd = { a = \"b\" }", 1, "two steps in one table", "of its own"),
        ("parse = \"csv\"", 1, "the columns have no names", "columns = "),
        ("parse = \"csv\"\ncolumns = [\"a\"]\ndelimiter = \"ab\"", 13, "not a delimiter", "\\t"),
        (
            "parse = \"csv\"\ncolumns = [\"a\"]\nheader = true",
            1,
            "`columns` beside `header = true`",
            "one of them",
        ),
        ("parse = \"regex\"", 1, "parse = \"regex\" needs its pattern", "(?<level>"),
        ("parse = \"regex\"\npattern = 'a(b'", 11, "not a pattern: unclosed group", "regular expression"),
        ("parse = \"regex\"\npattern = 'ab'", 11, "a pattern without named groups", "(?<name>"),
        ("parse = \"nginx\"\nformat = '$a$b'", 10, "not a log_format: two variables", "between"),
        ("keep = '\\w{999}{999}'", 8, "not a pattern: compiled it takes more", "regular expression"),
        ("keep = { field = \"a\", pattren = 'x' }", 23, "unknown key `pattren`", "did you mean `pattern`?"),
        ("keep = { field = \"a\" }", 8, "a key is missing", "pattern = "),
        ("types = { a = \"intger\" }", 15, "not a type", "did you mean \"integer\"?"),
        ("types = { a = { zone = \"Mars\" } }", 24, "not a time zone", "Europe/Berlin"),
        ("types = { a = { timestamp = \"%!\" } }", 29, "not a format of times", "strptime"),
        ("add = { a = \"{hostnam}\" }", 13, "not a placeholder", "did you mean {hostname}?"),
        ("add = { a = \"{x\" }", 13, "a brace without its other", "{{"),
        ("add = { a = \"{path.app}\" }", 13, "no named group of the path", "path = "),
        ("add = { a = \"{env.KINTAIL_NOT_SET}\" }", 13, "the environment variable is not set", ":-default"),
        ("add = { a = \"{ec2.instance_id}\" }", 13, "placeholders of EC2 are not in this version", "out"),
        ("add = { a = 1979-05-27 }", 13, "not a value that JSON has", "quotes"),
        ("add = 5", 7, "not a table", "{ name = "),
        ("sample = 1.5", 10, "not a share", "from 0 to 1"),
        ("truncate_field = { field = \"a\", bytes = -1 }", 41, "not a number of bytes", "1KiB"),
        ("output = \"jsn\"", 10, "not an output", "template"),
    ];
    for (lines, column, message, help) in known {
        let place = Place::new(&step(lines));
        let reports = place.reports();
        assert_eq!(reports.len(), 1, "{lines}: {reports:#?}");
        let found = &reports[0];
        assert!(found["message"].as_str().unwrap_or_default().starts_with(message), "{lines}: {found:#}");
        assert!(found["help"].as_str().unwrap_or_default().contains(help), "{lines}: {found:#}");
        assert_eq!(found["column"].as_u64(), Some(column), "{lines}: {found:#}");
    }
}
