//! The command line as people meet it: wrong files start nothing and name what is wrong.

use std::process::Command;

fn plotmeter(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_plotmeter")).args(arguments).output().expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn write(folder: &std::path::Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[test]
fn a_typo_in_a_file_names_key_and_line_and_nothing_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, template, _) = plotmeter(&["portal", "default-config"]);
    let portal = write(folder.path(), "portal.toml", &template.replace("\nlisten = \"127", "\nlistne = \"127"));
    let (success, _, words) = plotmeter(&["portal", "serve", "--config", &portal]);
    assert!(!success && words.contains("listne") && words.contains("line 8"), "{words}");
    let (_, template, _) = plotmeter(&["collector", "default-config"]);
    let wrong = template.replace("job-name = \"drop\"", "job-name = \"drpo\"");
    let collector = write(folder.path(), "collector.toml", &wrong);
    let (success, _, words) = plotmeter(&["collector", "run", "--config", &collector]);
    assert!(!success && words.contains("drpo") && words.contains("line"), "{words}");
    let (success, _, words) = plotmeter(&["collector", "status", "--config", "/nowhere/collector.toml"]);
    assert!(!success && words.contains("/nowhere/collector.toml"), "{words}");
}

#[test]
fn a_collector_without_an_enrolment_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = write(folder.path(), "collector.toml", &format!("state = {:?}\n", folder.path().join("state")));
    let (success, _, words) = plotmeter(&["collector", "once", "--config", &config]);
    let command = format!("`plotmeter collector enrol FILE --config {config}`");
    assert!(!success && words.contains(&command), "the command can be typed as it stands: {words}");
    let (success, _, words) = plotmeter(&["collector", "enrol", "--config", &config]);
    assert!(!success && words.contains("enrolment file") && words.contains("--portal"), "{words}");
    let junk = write(folder.path(), "enrol.plotmeter", "{}");
    let (success, _, words) = plotmeter(&["collector", "enrol", &junk, "--config", &config]);
    assert!(!success && words.contains("is not an enrolment file"), "{words}");
}

#[test]
fn an_operator_is_added_once_and_the_password_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, template, _) = plotmeter(&["portal", "default-config"]);
    let text = template.replace("/var/lib/plotmeter-portal", &folder.path().join("data").display().to_string());
    let config = write(folder.path(), "portal.toml", &text);
    let (success, words, error) = plotmeter(&["portal", "migrate", "--config", &config]);
    assert!(success && words.contains("SQLite"), "{words}{error}");
    let user = ["portal", "user", "--email", "olga@test", "--config", &config];
    let (success, words, error) = plotmeter(&user);
    assert!(success && words.contains("password "), "{words}{error}");
    let (success, _, words) = plotmeter(&user);
    assert!(!success && words.contains("olga@test: there is an account of this address already"), "{words}");
    for nonsense in ["nonsense", "olga@", "@test", "olga@test@test", "ol ga@test"] {
        let (success, words, error) = plotmeter(&["portal", "user", "--email", nonsense, "--config", &config]);
        assert!(!success && words.is_empty() && error.contains("no email address"), "{nonsense}: {words}{error}");
    }
}

#[test]
fn a_manufacturer_s_list_is_taken_in_once_and_a_wrong_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, template, _) = plotmeter(&["portal", "default-config"]);
    let text = template.replace("/var/lib/plotmeter-portal", &folder.path().join("data").display().to_string());
    let config = write(folder.path(), "portal.toml", &text);
    let (one, other) = ("0a".repeat(32), "0b".repeat(32));
    let wrong = write(folder.path(), "wrong.csv", &format!("CN1,{one}\nCN2,{}\n", &other[1..]));
    let (success, out, words) = plotmeter(&["portal", "import-factory", &wrong, "--config", &config]);
    assert!(!success && out.is_empty() && words.contains("wrong.csv") && words.contains("line 2"), "{out}{words}");
    assert!(!words.contains(&other[1..9]), "a secret is not repeated: {words}");
    let list = write(folder.path(), "list.csv", &format!("CN1,{one}\nCN2,{other}\n"));
    let import = ["portal", "import-factory", &list, "--config", &config];
    let label = |secret: &str| protocol::enrol::factory_label(&secret.parse().expect("hexadecimal"));
    let expected = format!("CN1,{}\nCN2,{}\n", label(&one), label(&other));
    let (success, out, words) = plotmeter(&import);
    assert!(success && words.contains("2 printers were taken in, 0 were known"), "{words}");
    assert_eq!(out, expected);
    let labels = folder.path().join("labels.csv").display().to_string();
    let to_file = [&import[..], &["--labels", &labels]].concat();
    let (success, out, words) = plotmeter(&to_file);
    assert!(success && out.is_empty() && words.contains("0 printers were taken in, 2 were known"), "{out}{words}");
    assert_eq!(std::fs::read_to_string(&labels).expect("labels"), expected);
    let (success, _, words) = plotmeter(&to_file);
    assert!(!success && words.contains("labels.csv"), "a file that is there is not replaced: {words}");
}

#[test]
fn a_demo_that_cannot_start_leaves_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let world = folder.path().join("world");
    let (success, _, words) = plotmeter(&["demo", "--port", &port, "--dir", &world.display().to_string()]);
    assert!(!success && words.contains("is taken"), "{words}");
    assert!(!world.exists());
}

#[test]
fn both_agents_have_the_same_commands_where_they_do_the_same() {
    let shared = ["enrol", "run", "status", "doctor", "show-sent", "pause", "resume", "leave", "pseudonym"];
    for agent in ["collector", "direct"] {
        for command in shared.into_iter().chain(["default-config", "once", "trust"]) {
            let (success, words, error) = plotmeter(&[agent, command, "--help"]);
            assert!(success && words.contains(&format!("plotmeter {agent} {command}")), "{words}{error}");
        }
    }
    // A direct agent needs no file for the key of its pseudonyms: the printer and the folder are enough.
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().display().to_string();
    let direct = ["direct", "pseudonym", "user-name", "Ada", "--printer", "192.0.2.10", "--state", &state];
    let (success, _, words) = plotmeter(&direct);
    assert!(!success && words.contains("no pseudonym key yet"), "{words}");
}
