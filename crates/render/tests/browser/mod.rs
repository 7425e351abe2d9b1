//! Plays a video in headless Chromium and tells what it saw.

use serde::Deserialize;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the browser made of a video.
#[derive(Debug, Deserialize)]
pub struct Seen {
    pub width: u32,
    pub height: u32,
    /// Seconds.
    pub duration: f64,
    /// Seconds it had played by itself when we looked.
    pub played: f64,
    /// Pixels that differ between the beginning and the end.
    pub changed_pixels: usize,
    /// Color of the lower right corner.
    pub corner: [u8; 3],
}

/// `None`, and a visible line, where no Chromium is installed; on CI that is a failure.
pub fn play(video: &[u8]) -> Option<Seen> {
    let browser = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok());
    let Some(browser) = browser else {
        assert!(std::env::var_os("CI").is_none(), "no Chromium on CI: install the package `chromium`");
        println!("skipped: no Chromium");
        return None;
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a local port");
    let address = listener.local_addr().expect("a bound port");
    let profile = tempfile::tempdir().expect("a temporary folder");
    let child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .arg("--autoplay-policy=no-user-gesture-required")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        // A browser without a page to print would leave at once.
        .arg("--remote-debugging-port=0")
        .arg(format!("http://{address}/"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Chromium starts");
    let _stopped_at_the_end = Stop(child);

    listener.set_nonblocking(true).expect("a socket");
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline {
        match listener.accept() {
            Ok((stream, _)) => {
                if let Some(report) = answer(stream, video) {
                    return Some(serde_json::from_slice(&report).unwrap_or_else(|error| {
                        panic!("{error}: the page reported {}", String::from_utf8_lossy(&report))
                    }));
                }
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    panic!("the browser did not report within two minutes");
}

struct Stop(Child);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Serves the page and the video; returns what the page posts.
fn answer(mut stream: TcpStream, video: &[u8]) -> Option<Vec<u8>> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut report = vec![0; length];
    reader.read_exact(&mut report).ok()?;
    let (kind, body): (_, &[u8]) = match request.split(' ').nth(1)? {
        "/" => ("text/html", PAGE.as_bytes()),
        "/video.mp4" => ("video/mp4", video),
        _ => ("text/plain", b""),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    request.starts_with("POST").then_some(report)
}

const PAGE: &str = r#"<!DOCTYPE html><video id="video" muted></video><script>
const video = document.getElementById("video");
const report = result => fetch("/report", { method: "POST", body: JSON.stringify(result) });
const once = name => new Promise((done, failed) => {
  video.addEventListener(name, done, { once: true });
  video.addEventListener("error", () => failed(video.error.message), { once: true });
});
const pixelsAt = async time => {
  const ready = once("seeked");
  video.currentTime = time;
  await ready;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
};
(async () => {
  // From memory, since it could not seek in an answer of this simple server.
  video.src = URL.createObjectURL(await (await fetch("/video.mp4")).blob());
  if (video.readyState < 2) await once("loadeddata");
  await video.play();
  for (let wait = 0; wait < 200 && video.currentTime < 0.3; wait++) await new Promise(done => setTimeout(done, 50));
  const played = video.currentTime;
  video.pause();
  const first = await pixelsAt(0.001), last = await pixelsAt(video.duration - 0.05);
  let changed_pixels = 0;
  for (let place = 0; place < first.length; place += 4)
    if (Math.abs(first[place] - last[place]) > 20) changed_pixels++;
  await report({ width: video.videoWidth, height: video.videoHeight, duration: video.duration, played,
    changed_pixels, corner: Array.from(first.slice(first.length - 4, first.length - 1)) });
})().catch(error => report({ error: String(error) }));
</script>"#;
