//! The report in a real browser, as wide as a desktop's window and as narrow as a phone's.

mod common;

use common::{browser, kanrl, text};
use kanrl_pipeline::run::RunFile;
use std::path::Path;
use std::process::Command;

/// Measures the page once its videos have been looked at, and says so in the title of the page around it.
const PROBE: &str = "<script>
const videos = [...document.querySelectorAll('video')];
const loaded = Promise.all(videos.map(video => video.readyState > 0 || video.error ? 0 :
  new Promise(done => { video.onloadedmetadata = done; video.onerror = done; })));
const mathematics = [...document.querySelectorAll('math')].map(math => math.getBoundingClientRect());
loaded.then(() => {
  parent.document.title = JSON.stringify({
    width: innerWidth,
    content: document.documentElement.scrollWidth,
    formulas: mathematics.filter(box => box.width > 0 && box.height > 0).length,
    buttons: document.querySelectorAll('button[data-copy]').length,
    listings: [...document.querySelectorAll('button[data-copy]')]
      .filter(button => document.getElementById(button.dataset.copy)?.textContent.length > 20).length,
    drawings: document.querySelectorAll('svg').length,
    videos: videos.filter(video => video.videoWidth > 0 && video.duration > 0).length,
    rows: document.querySelectorAll('tbody tr').length,
    loaded: performance.getEntriesByType('resource').filter(entry => !entry.name.startsWith('data:')).length,
  });
});
</script></body>";

const CONFIG: &str = "\
collect = { train_episodes = 3, validation_episodes = 1 }
dagger = { rounds = 1, steps = 100, validation_episodes = 2 }
polish = { environment_steps = 20_000, generations = 4 }
select.episodes = 4
evaluate = { episodes = 20, robustness_episodes = 2 }
";

#[test]
fn it_is_readable_at_any_width_and_needs_nothing_else() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let config = folder.path().join("run.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let mut extract = kanrl(&["extract", "CartPole-v1", "--config"]);
    let output = extract.arg(&config).arg("--out").arg(&run).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = text(&run, RunFile::Report);
    for external in ["http:", "https:", "@import", "url("] {
        let without_namespaces = report.replace("http://www.w3.org/", "");
        assert!(!without_namespaces.contains(external), "the page names {external}");
    }
    // A frame may be narrower than a window.
    let frame = report.replace("</body>", PROBE).replace('&', "&amp;").replace('"', "&quot;");
    for width in [1280, 390] {
        let page = folder.path().join(format!("{width}.html"));
        let html =
            format!("<!doctype html><title></title><iframe width={width} height=1200 srcdoc=\"{frame}\"></iframe>");
        std::fs::write(&page, html).unwrap();
        let seen = open(&browser, &page);
        assert_eq!(seen["width"], width, "{seen}");
        assert!(seen["content"].as_u64() <= seen["width"].as_u64(), "the page scrolls sideways: {seen}");
        assert!(seen["formulas"].as_u64() > Some(3), "{seen}");
        assert!(seen["buttons"].as_u64() >= Some(3) && seen["buttons"] == seen["listings"], "{seen}");
        assert!(seen["drawings"].as_u64() > Some(3), "{seen}");
        assert!(seen["rows"].as_u64() > Some(4), "{seen}");
        assert_eq!((&seen["videos"], &seen["loaded"]), (&2.into(), &0.into()), "{seen}");
    }
}

fn open(browser: &Path, page: &Path) -> serde_json::Value {
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]);
    command.args(["--virtual-time-budget=10000", "--window-size=1400,1300", "--dump-dom"]);
    let output = command.arg(page).output().expect("the browser runs");
    let dom = String::from_utf8_lossy(&output.stdout);
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    serde_json::from_str(title).unwrap_or_else(|error| panic!("{error}: the page's title is {title:?}"))
}
