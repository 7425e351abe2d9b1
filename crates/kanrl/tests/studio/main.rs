//! The studio as people use it: in a browser, from the choice of an environment to a formula that is changed.

mod browser;
mod bugs;
mod story;

use browser::{Browser, Studio};
use serde_json::json;
use std::process::Command;

/// Small budgets: the journey is tested here, not the formula.
const SETTINGS: &str = "[collect]\ntrain_episodes = 5\nvalidation_episodes = 2\n\
    [dagger]\nrounds = 1\nsteps = 100\nvalidation_episodes = 5\n[refine]\nproducts = 0\n\
    [polish]\nenvironment_steps = 20000\n[select]\nepisodes = 20\n\
    [evaluate]\nepisodes = 20\nrobustness_episodes = 0\n";

/// Little before the evaluation.
const QUICK: &str = "[dagger]\nrounds = 0\n[polish]\nenabled = false\n[select]\nepisodes = 5\n";

/// The folder of archives of trained agents.
fn agents() -> String {
    let agents = concat!(env!("CARGO_MANIFEST_DIR"), "/../experts/tests/fixtures/agents/ppo");
    std::fs::canonicalize(agents).unwrap().display().to_string()
}

/// The name of a run that was extracted on the command line, in a studio's folder; `settings` are `--set`'s.
fn finished(studio: &Studio, environment: &str, settings: &[&str]) -> String {
    let name = format!("{environment}-done-{}", settings.len());
    let config = studio.runs().join("settings.toml");
    let further: String = settings
        .iter()
        .map(|setting| {
            let (key, value) = setting.split_once('=').unwrap();
            let (section, key) = key.split_once('.').unwrap();
            format!("[{section}]\n{key} = {value}\n")
        })
        .collect();
    std::fs::write(
        &config,
        format!("[environment]\nid = '{environment}'\n{SETTINGS}[approximator]\nsteps = 20\n{further}"),
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanrl"));
    command.args(["--quiet", "extract", "--config"]).arg(&config).arg("--out").arg(studio.runs().join(&name));
    let output = command.env("NO_COLOR", "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(config).unwrap();
    name
}

/// Everything that the reference's demo does, and what follows.
async fn journey(environment: &str, hidden: &str) {
    let Some(browser) = Browser::start().await else { return };
    let studio = Studio::start();
    browser.open(&studio.address("/")).await;
    browser.until("the environments are there", "return document.querySelectorAll('.choice').length > 3").await;
    let pick = format!("input[type=radio][value='{environment}']");
    browser.click(&pick).await;
    // The expert's video plays.
    browser.until("the expert plays", "const v = document.querySelector('video'); return v && v.currentTime > 0").await;
    assert_eq!(browser.text("#hidden").await, "2", "the default");
    // Wrong widths are explained at the field, and nothing starts.
    browser.fill("#hidden", "two").await;
    browser.click("button.primary").await;
    browser
        .until("the problem is said", "return document.querySelector('#hidden-problem').textContent.includes('`two`')")
        .await;
    assert_eq!(
        browser.js("return document.activeElement.id + document.activeElement.ariaInvalid").await,
        json!("hiddentrue")
    );
    browser.fill("#hidden", hidden).await;
    browser.fill("#steps", "20").await;
    browser.fill("#settings", SETTINGS).await;
    browser.click("button.primary").await;
    browser.until("the run has a page", "return location.pathname.startsWith('/runs/')").await;
    let page = browser.js("return location.href").await.as_str().unwrap().to_owned();
    browser.until("stages appear", "return document.querySelectorAll('.stages li').length > 0").await;
    // Reloaded on the way, it goes on where it is.
    browser.open(&page).await;
    browser.until("stages appear again", "return document.querySelectorAll('.stages li').length > 0").await;
    browser.until("it is done", "return document.querySelector('.pill.finished, .pill.failed') !== null").await;
    let problem = browser.js("return document.querySelector('.notice').textContent").await;
    assert_eq!(problem, json!(""), "the run failed");
    browser.until("the diagram is drawn", "return document.querySelector('.network .edge') !== null").await;
    browser
        .until(
            "expert and formula play",
            "return document.querySelectorAll('.lane .did').length > 1 && [...document.querySelectorAll('.lane')].filter((lane) => !lane.hidden).every((lane) => lane.querySelector('.did').textContent.length > 2)",
        )
        .await;
    let moving = "return Number(document.querySelector('.place').textContent.split(' ')[0])";
    let step = browser.js(moving).await;
    browser.until("time goes on", &format!("{moving} !== {step}")).await;
    let formula = browser.js("return document.querySelector('.print').textContent").await;
    assert!(
        formula.as_str().unwrap().contains(if environment == "CartPole-v1" { "push right if" } else { "torque=" }),
        "{formula}"
    );
    let tallest = browser.js("return document.querySelector('.print math').getBoundingClientRect().height").await;
    assert!(tallest.as_f64().unwrap() > 10.0, "the formula is drawn");
    // Every form can be read.
    browser.js("document.querySelector('.forms').open = true").await;
    for (form, word) in
        [("latex", "\\begin{"), ("python", "import numpy"), ("sympy", "sympy"), ("c", "double"), ("rust", "fn ")]
    {
        browser
            .js(&format!(
                "const form = document.querySelector('.forms select'); form.value = '{form}'; form.dispatchEvent(new Event('change'))"
            ))
            .await;
        browser
            .until(form, &format!("return document.querySelector('pre.source').textContent.includes({})", json!(word)))
            .await;
    }
    let rows =
        browser.js("return [...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent)").await;
    for policy in ["Expert", "Network", "Faithful formula"] {
        assert!(rows.as_array().unwrap().iter().any(|row| row == policy), "{rows}");
    }
    let log = browser.js("return document.querySelector('pre.log').textContent").await;
    assert!(log.as_str().unwrap().contains("collect: started"), "{log}");
    // A term less.
    let before = browser.js("return document.querySelectorAll('.term-bars li').length").await.as_u64().unwrap();
    browser.js("[...document.querySelectorAll('.term-bars button')].at(-1).click()").await;
    browser
        .until(
            "the shorter formula plays",
            "return document.querySelector('.segments [aria-pressed=true]').textContent === 'Your edit' && document.querySelector('.numbers').innerText.includes('32 starts')",
        )
        .await;
    assert_eq!(browser.js("return document.querySelectorAll('.term-bars li').length").await, json!(before - 1));
    browser.assert_own_resources_only(&studio).await;
    // In the list of runs, with its point.
    browser.open(&studio.address("/runs")).await;
    browser.until("the point is drawn", "return document.querySelector('.point') !== null").await;
    browser.js("document.querySelector('.point').dispatchEvent(new MouseEvent('click', { bubbles: true }))").await;
    browser.until("the point's formula is shown", "return document.querySelector('math') !== null").await;
    browser.close().await;
    // Every page fits a phone.
    let Some(browser) = Browser::phone().await else { return };
    for path in ["/", "/runs", page.as_str()] {
        browser.open(&if path == page { page.clone() } else { studio.address(path) }).await;
        browser.until("the page is there", "return document.querySelector('.choice, .pill, video') !== null").await;
        let overflow = browser.js("return document.documentElement.scrollWidth - innerWidth").await;
        assert!(overflow.as_f64().unwrap() <= 0.0, "{path} is wider than a phone: {overflow}");
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cart_pole_from_the_expert_to_a_formula_that_is_changed() {
    journey("CartPole-v1", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pendulum_from_the_expert_to_a_formula_that_is_changed() {
    journey("Pendulum-v1", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_uploaded_and_its_run_cancelled_and_resumed() {
    let Some(browser) = Browser::start().await else { return };
    let studio = Studio::start();
    browser.open(&studio.address("/")).await;
    browser.until("the environments are there", "return document.querySelectorAll('.choice').length > 3").await;
    browser.js("document.querySelector('details').open = true").await;
    let agents = concat!(env!("CARGO_MANIFEST_DIR"), "/../experts/tests/fixtures/agents/ppo");
    let agents = std::fs::canonicalize(agents).unwrap();
    let agents = agents.display();
    browser.fill("#upload", &format!("{agents}/Pendulum-v1.zip")).await;
    browser
        .until(
            "the wrong archive is refused",
            "return document.querySelector('#expert-problem').textContent.length > 20",
        )
        .await;
    browser.fill("#upload", &format!("{agents}/CartPole-v1.zip")).await;
    browser
        .until("the archive is taken", "return !document.querySelector('button.primary').disabled && document.querySelector('main').innerText.includes('Your expert')")
        .await;
    assert_eq!(browser.js("return document.querySelector('#expert-problem').textContent").await, json!(""));
    // So many episodes that it cannot end before it is cancelled.
    browser.fill("#settings", &format!("{QUICK}[evaluate]\nepisodes = 1000000\n[record]\nvideos = false\n")).await;
    browser.click("button.primary").await;
    browser.until("it runs", "return document.querySelector('.pill.running') !== null").await;
    browser.until("it is on its way", "return document.querySelectorAll('.stages .done').length > 1").await;
    let press = |words: &str| {
        format!(
            "[...document.querySelectorAll('main button')].find((button) => button.textContent === '{words}').click()"
        )
    };
    browser.js(&press("Cancel")).await;
    browser.until("it is cancelled", "return document.querySelector('.pill.cancelled') !== null").await;
    browser.js(&press("Resume")).await;
    browser.until("it goes on", "return document.querySelector('.pill.running') !== null").await;
    browser
        .until("what was done is reused", "return document.querySelector('pre.log').textContent.includes('reused')")
        .await;
    browser.js(&press("Cancel")).await;
    browser.until("it is cancelled again", "return document.querySelector('.pill.cancelled') !== null").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_there_is_said_in_words() {
    let Some(browser) = Browser::start().await else { return };
    let studio = Studio::start();
    browser.open(&studio.address("/runs/nothing")).await;
    browser.until("it is said", "return document.querySelector('.notice').textContent.includes('no such run')").await;
    browser.close().await;
}
