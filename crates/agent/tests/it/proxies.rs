//! The way to the portal through proxies: open, with Basic, with a sign-in that is not supported, slow,
//! dying, refusing. Whatever a proxy does, nothing is lost and the reason is named.

use crate::site::{Site, site};
use agent::{Collector, CollectorError, UplinkError};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SIGN_IN: &str = "407 Proxy Authentication Required";

/// What the proxy does with a request to connect.
#[derive(Clone)]
enum Manner {
    Open,
    /// Connects after a while.
    Slow,
    /// Wants this `Proxy-Authorization`.
    Basic(&'static str),
    /// Wants another sign-in.
    Wants(&'static str),
    Refuses,
    /// Closes without a word.
    Dies,
    /// Answers with a page instead of a connection.
    Page,
}

/// Starts a proxy; gives its address and the first lines of all requests.
async fn proxy(manner: Manner) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (manner, lines) = (manner.clone(), kept.clone());
            tokio::spawn(async move {
                // Either side closes when it is done.
                let _closed = serve(socket, &manner, &lines).await;
            });
        }
    });
    (address, lines)
}

async fn serve(mut client: TcpStream, manner: &Manner, lines: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read(&mut byte).await? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or("").to_owned();
    let target = line.split(' ').nth(1).unwrap_or("").to_owned();
    lines.lock().expect("not poisoned").push(line);
    let refusal = match manner {
        Manner::Open => None,
        Manner::Slow => {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            None
        }
        Manner::Basic(wanted) if head.to_lowercase().contains(&format!("basic {wanted}").to_lowercase()) => None,
        Manner::Basic(_) => Some(format!("{SIGN_IN}\r\nProxy-Authenticate: Basic realm=\"x\"")),
        Manner::Wants(scheme) => Some(format!("{SIGN_IN}\r\nProxy-Authenticate: {scheme}\r\nProxy-Authenticate: NTLM")),
        Manner::Refuses => Some("403 Forbidden".to_owned()),
        Manner::Dies => return Ok(()),
        Manner::Page => Some("200 OK\r\ncontent-type: text/html".to_owned()),
    };
    match refusal {
        None => {
            let mut server = TcpStream::connect(&target).await?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        }
        Some(status) => {
            let page = "<html>sign in to this network</html>";
            let length = page.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
            client.write_all(head.as_bytes()).await?;
            client.write_all(page.as_bytes()).await?;
            client.shutdown().await?;
        }
    }
    Ok(())
}

/// An enrolled collector with a printer behind a proxy, and what one round came to.
async fn round(site: &Site, address: &str, more: &str) -> Result<usize, CollectorError> {
    let portal = format!("[portal]\nproxy = \"http://{address}\"\n{more}");
    let collector = Collector::open(site.config(&portal), site.surroundings()).expect("opens");
    collector.once().await.map(|round| round.sent)
}

#[tokio::test]
async fn an_open_proxy_and_a_slow_one_are_gone_through_to_the_portal_only() {
    for manner in [Manner::Open, Manner::Slow] {
        let site = site(&["CN1"]).await;
        let (address, lines) = proxy(manner).await;
        assert!(round(&site, &address, "").await.expect("sent") > 0);
        assert!(!site.portal.state().packages().is_empty());
        let lines = lines.lock().expect("not poisoned");
        let expected = format!("CONNECT {} HTTP/1.1", site.portal.authority);
        assert!(!lines.is_empty() && lines.iter().all(|line| *line == expected), "{lines:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn basic_credentials_come_from_a_protected_file() {
    use std::os::unix::fs::PermissionsExt;
    let site = site(&["CN1"]).await;
    // ana:secret
    let (address, _) = proxy(Manner::Basic("YW5hOnNlY3JldA==")).await;
    let file = site.folder.path().join("proxy");
    let write = |text: &str, mode| {
        std::fs::write(&file, text).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    let named = format!("proxy_credentials = {:?}\n", file);
    let said = round(&site, &address, "").await.expect_err("no credentials").to_string();
    assert!(said.contains("Basic") && said.contains("proxy_credentials"), "{said}");
    write("ana:wrong\n", 0o600);
    let said = round(&site, &address, &named).await.expect_err("wrong").to_string();
    assert!(said.contains("not the right ones"), "{said}");
    write("ana:secret\n", 0o644);
    let said = round(&site, &address, &named).await.expect_err("readable by others").to_string();
    assert!(said.contains("chmod 600"), "{said}");
    assert!(site.portal.state().packages().is_empty());
    write("ana:secret\n", 0o600);
    assert!(round(&site, &address, &named).await.expect("sent") > 0);
}

#[tokio::test]
async fn a_sign_in_that_is_not_supported_is_refused_by_name_and_nothing_is_lost() {
    let site = site(&["CN1"]).await;
    let (address, _) = proxy(Manner::Wants("Negotiate")).await;
    let error = round(&site, &address, "").await.expect_err("no way through");
    match &error {
        CollectorError::Uplink(UplinkError::ProxyAuthentication { schemes, .. }) => {
            assert_eq!(schemes, "Negotiate, NTLM");
        }
        other => panic!("{other}"),
    }
    assert!(error.to_string().contains("only Basic"), "{error}");
    let (open, _) = proxy(Manner::Open).await;
    assert!(round(&site, &open, "").await.expect("sent") > 0, "what was read is sent later");
}

#[tokio::test]
async fn a_proxy_that_refuses_or_dies_or_shows_a_page_means_later() {
    for (manner, words) in
        [(Manner::Refuses, "status 403"), (Manner::Dies, "reach the portal"), (Manner::Page, "reach the portal")]
    {
        let site = site(&["CN1"]).await;
        let (address, _) = proxy(manner).await;
        let said = round(&site, &address, "").await.expect_err("no way through").to_string();
        assert!(said.contains(words), "{said}");
        assert!(site.portal.state().packages().is_empty());
        let (open, _) = proxy(Manner::Open).await;
        assert!(round(&site, &open, "").await.expect("sent") > 0, "what was read is sent later");
    }
}

#[tokio::test]
async fn no_proxy_listens_and_nothing_is_lost() {
    let site = site(&["CN1"]).await;
    let said = round(&site, "127.0.0.1:1", "").await.expect_err("nobody listens").to_string();
    assert!(said.contains("the proxy 127.0.0.1:1 takes no connection"), "{said}");
    assert!(round(&site, &proxy(Manner::Open).await.0, "").await.expect("sent") > 0);
}
