//! `plotmeter collector discover`: what it refuses. That it walks what it may is tested where it is written, since
//! no range may hold this machine's own addresses.

use crate::processes::{Said, run};
use std::path::{Path, PathBuf};

fn config(folder: &Path, more: &str) -> PathBuf {
    let path = folder.join("collector.toml");
    std::fs::write(&path, format!("state = {:?}\n{more}", folder.join("state"))).expect("written");
    path
}

async fn discover(more: &str, arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), more);
    let said = run("collector", &config, &[&["discover"][..], arguments].concat()).await;
    assert!(!folder.path().join("state").exists(), "a look leaves nothing behind");
    said
}

#[tokio::test]
async fn only_what_the_file_allows_is_looked_at() {
    let allowed = "ranges = [\"192.0.2.0/28\"]\n[allow]\nnetworks = [\"10.1.0.0/24\"]\n";
    for (file, ranges, words) in [
        ("", &[][..], "names no ranges"),
        ("", &["10.1.0.1"][..], "10.1.0.1 is neither in the ranges"),
        (allowed, &["192.0.2.0/27"][..], "192.0.2.0-192.0.2.31 is neither in the ranges"),
        (allowed, &["10.1.0.1", "10.1.1.1"][..], "10.1.1.1 is neither in the ranges"),
        (allowed, &["127.0.0.1"][..], "this machine"),
        (allowed, &["10.0.0.0/8"][..], "4096"),
        (allowed, &["printer.example"][..], "--range printer.example is neither an IP address"),
    ] {
        let arguments: Vec<&str> = ranges.iter().flat_map(|range| ["--range", *range]).collect();
        let said = discover(file, &arguments).await;
        assert!(!said.success && said.err.contains(words), "{ranges:?}: {}", said.err);
        assert_eq!(said.out, "", "{ranges:?}");
    }
}

#[tokio::test]
async fn a_look_at_nothing_ends_at_once() {
    let said = discover("ranges = [\"192.0.2.1\"]\nexclude = [\"192.0.2.1\"]\n", &["--json"]).await;
    assert!(said.success, "{}", said.err);
    let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(json, serde_json::json!({ "asked": 0, "of": 0, "found": [] }));
}
