//! Chromium without a window, and a studio for it to look at.

use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(300);

/// A studio on a folder of its own; ends with the value.
pub struct Studio {
    process: Child,
    address: String,
    token: String,
    folder: tempfile::TempDir,
}

impl Studio {
    pub fn start() -> Self {
        Self::of(Path::new(env!("CARGO_BIN_EXE_kanrl")), tempfile::tempdir().unwrap(), "0", &[])
    }

    /// A studio of that program on this folder.
    pub fn of(program: &Path, folder: tempfile::TempDir, port: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new(program)
            .args(["serve", "--port", port, "--runs"])
            .arg(folder.path().join("runs"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let link = line.split_whitespace().next().expect("the studio says where it is");
        let (address, token) = link.split_once("/?").unwrap_or((link.trim_end_matches('/'), ""));
        Self { process, address: address.to_owned(), token: token.to_owned(), folder }
    }

    /// Ends it as Ctrl-C does; another one takes its place at once on the same folder, at the same address.
    pub fn restart(mut self) -> Self {
        self.interrupt();
        let port = self.address.rsplit(':').next().unwrap().to_owned();
        let token = self.token.trim_start_matches("token=").to_owned();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Self::of(Path::new(env!("CARGO_BIN_EXE_kanrl")), folder, &port, &["--token", &token])
    }

    /// Asks it to end, and waits for that.
    pub fn interrupt(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(20) {
            if self.process.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its folder of runs.
    pub fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    pub fn address(&self, path: &str) -> String {
        format!("{}{path}?{}", self.address, self.token)
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        // A run that is still being extracted is a child of the studio, which ends it when it is asked to end itself.
        self.interrupt();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser and its driver; both end with the value.
pub struct Browser {
    client: Client,
    driver: Child,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// A window of 1280 × 900 pixels; `None`, saying so, where Chromium or its driver is not installed.
    pub async fn start() -> Option<Self> {
        Self::with(json!(null), &[]).await
    }

    /// As [`Self::start`], a phone's 390 × 844 pixels.
    pub async fn phone() -> Option<Self> {
        Self::with(json!({ "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 1.0 } }), &[]).await
    }

    /// As [`Self::start`], for somebody who likes it dark and without motion.
    pub async fn calm_and_dark() -> Option<Self> {
        Self::with(json!(null), &["--blink-settings=preferredColorScheme=0", "--force-prefers-reduced-motion"]).await
    }

    async fn with(emulation: Value, further: &[&str]) -> Option<Self> {
        let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| is_installed(name));
        let (Some(chromium), true) = (chromium, is_installed("chromedriver")) else {
            eprintln!("skipped: no Chromium with chromedriver; `cargo xtask test` installs them");
            return None;
        };
        // Two that begin at once may choose the same port, and one ends: it is started again.
        let started = || {
            let mut driver = Command::new("chromedriver")
                .arg("--port=0")
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
            let says = |line: String| {
                line.split("started successfully on port ").nth(1).map(|rest| rest.trim_end_matches('.').to_owned())
            };
            let port = lines.by_ref().map_while(Result::ok).find_map(says);
            if port.is_none() {
                drop(driver.wait());
            }
            Some((driver, lines, port?))
        };
        let (driver, lines, port) = (0..5).find_map(|_| started()).expect("chromedriver says where it is");
        std::thread::spawn(move || lines.for_each(drop));
        let mut arguments = vec!["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"];
        arguments.push("--autoplay-policy=no-user-gesture-required");
        arguments.extend(further);
        let mut options = json!({
            "args": arguments,
            "binary": which(chromium),
        });
        if !emulation.is_null() {
            options["mobileEmulation"] = emulation;
        }
        let capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
        Some(Self { client, driver })
    }

    pub async fn open(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// The value of a script's `return`.
    pub async fn js(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until a script returns something true.
    pub async fn until(&self, what: &str, script: &str) {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if self.js(script).await == json!(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let page = self.js("return document.querySelector('main').innerText").await;
        panic!("never: {what}; the page says:\n{}", page.as_str().unwrap_or_default());
    }

    /// Another tab at an address, which is looked at from now on; gives the handles of both.
    pub async fn open_tab(&self, address: &str) -> [WindowHandle; 2] {
        let first = self.client.window().await.unwrap();
        let second = self.client.new_window(true).await.unwrap().handle;
        self.client.switch_to_window(second.clone()).await.unwrap();
        self.open(address).await;
        [first, second]
    }

    pub async fn look_at(&self, tab: &WindowHandle) {
        self.client.switch_to_window(tab.clone()).await.unwrap();
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// What axe-core says is wrong with the page; nothing, saying so, where it is not installed.
    pub async fn assert_accessible(&self, what: &str) {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/axe/node_modules/axe-core/axe.min.js");
        let path = std::env::var_os("KANRL_AXE").map_or(installed, PathBuf::from);
        let Ok(source) = std::fs::read_to_string(&path) else {
            println!("skipped: no axe-core at {}; `cargo xtask setup` installs it", path.display());
            assert!(std::env::var_os("CI").is_none(), "axe-core is missing on CI");
            return;
        };
        self.js(&format!("{source}; window.axe = axe;")).await;
        let found = self
            .js("return axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html + ' ' + (node.any[0]?.message ?? '')).join(' | ')}`))")
            .await;
        assert_eq!(found, json!([]), "{what}");
    }

    pub async fn click(&self, selector: &str) {
        self.client.find(Locator::Css(selector)).await.unwrap().click().await.unwrap();
    }

    /// The value of a field.
    pub async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().prop("value").await.unwrap().unwrap_or_default()
    }

    /// Fills a field, or chooses a file; what is folded away is unfolded first.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.js(&format!(
            "const folded = document.querySelector('{selector}').closest('details'); if (folded) folded.open = true"
        ))
        .await;
        let field = self.client.find(Locator::Css(selector)).await.unwrap();
        if field.attr("type").await.unwrap().as_deref() != Some("file") {
            field.clear().await.unwrap();
        }
        field.send_keys(text).await.unwrap();
    }

    /// Nothing was loaded from anywhere but the studio.
    pub async fn assert_own_resources_only(&self, studio: &Studio) {
        let names = self.js("return performance.getEntriesByType('resource').map((entry) => entry.name)").await;
        for name in names.as_array().unwrap() {
            assert!(name.as_str().unwrap().starts_with(&studio.address), "{name}");
        }
    }

    pub async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

fn is_installed(program: &str) -> bool {
    which(program).is_some()
}

fn which(program: &str) -> Option<String> {
    let paths = std::env::var_os("PATH")?;
    let path = std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())?;
    path.to_str().map(str::to_owned)
}
