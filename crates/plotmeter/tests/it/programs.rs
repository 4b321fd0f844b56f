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
    assert!(!success && words.contains("plotmeter collector enrol"), "{words}");
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
    assert!(!success && words.contains("olga@test"), "{words}");
}
