//! What once went wrong on the page, each with a test of its own.

use crate::browser::{Browser, Studio};
use crate::{QUICK, agents, finished};
use serde_json::{Value, json};

const CHOICES: &str = "return document.querySelectorAll('.choice').length > 3";

async fn on_the_first_page(studio: &Studio) -> Option<Browser> {
    let browser = Browser::start().await?;
    browser.open(&studio.address("/")).await;
    browser.until("the environments are there", CHOICES).await;
    Some(browser)
}

/// Clicks the button with this text.
fn press(words: &str) -> String {
    format!("[...document.querySelectorAll('main button')].find((button) => button.textContent === '{words}').click()")
}

/// Fills in a run that goes on until it is stopped, and starts it.
async fn start_a_long_run(browser: &Browser) {
    browser.fill("#settings", &format!("{QUICK}[evaluate]\nepisodes = 1000000\n[record]\nvideos = false\n")).await;
    browser.click("button.primary").await;
    browser.until("it runs", "return document.querySelector('.pill.running') !== null").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upload_starts_nothing() {
    let studio = Studio::start();
    let Some(browser) = on_the_first_page(&studio).await else { return };
    browser.js("document.querySelector('details').open = true").await;
    browser.fill("#upload", &format!("{}/Pendulum-v1.zip", agents())).await;
    browser
        .until(
            "it is refused",
            "return document.querySelector('#expert-problem').textContent.includes('Choose another file')",
        )
        .await;
    assert_eq!(browser.js("return document.querySelector('button.primary').disabled").await, json!(true));
    // Not by the key either: the button is what Enter presses.
    browser.js("document.querySelector('form').requestSubmit()").await;
    assert_eq!(browser.js("return fetch('/api/runs').then((answer) => answer.json())").await, json!([]));
    // Without the file it is the bundled expert again, and says so.
    browser.js(&press("Clear")).await;
    browser
        .until("the bundled expert is back", "return !document.querySelector('button.primary').disabled && document.querySelector('section h2').textContent === 'The expert'")
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tab_follows_a_run_that_is_cancelled_and_resumed() {
    let studio = Studio::start();
    let Some(browser) = on_the_first_page(&studio).await else { return };
    start_a_long_run(&browser).await;
    let page = browser.js("return location.href").await.as_str().unwrap().to_owned();
    let [first, second] = browser.open_tab(&page).await;
    browser.until("the second tab shows it", "return document.querySelector('.pill.running') !== null").await;
    browser.look_at(&first).await;
    browser.js(&press("Cancel")).await;
    browser.until("it is cancelled", "return document.querySelector('.pill.cancelled') !== null").await;
    browser.look_at(&second).await;
    browser.until("the second tab knows", "return document.querySelector('.pill.cancelled') !== null").await;
    browser.look_at(&first).await;
    browser.js(&press("Resume")).await;
    browser.until("it goes on", "return document.querySelector('.pill.running') !== null").await;
    browser.look_at(&second).await;
    browser.until("the second tab follows", "return document.querySelector('.pill.running') !== null").await;
    browser.js(&press("Cancel")).await;
    browser.until("it is cancelled", "return document.querySelector('.pill.cancelled') !== null").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_is_missed_and_its_run_is_interrupted() {
    let studio = Studio::start();
    let Some(browser) = on_the_first_page(&studio).await else { return };
    start_a_long_run(&browser).await;
    browser.until("it is on its way", "return document.querySelectorAll('.stages .done').length > 1").await;
    let mut studio = studio;
    studio.interrupt();
    browser
        .until("it is missed", "return document.querySelector('main').innerText.includes('Connection lost, retrying')")
        .await;
    let studio = studio.restart();
    browser.until("the run was interrupted", "return document.querySelector('.pill.interrupted') !== null").await;
    browser
        .until("the connection is back", "return !document.querySelector('main').innerText.includes('Connection lost')")
        .await;
    browser.js(&press("Resume")).await;
    browser.until("it goes on", "return document.querySelector('.pill.running') !== null").await;
    browser.js(&press("Cancel")).await;
    browser.until("it is cancelled", "return document.querySelector('.pill.cancelled') !== null").await;
    drop(studio);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_nobody_waits_for_is_not_made_and_none_shows_a_player_before_it_is_there() {
    let studio = Studio::start();
    let Some(browser) = on_the_first_page(&studio).await else { return };
    browser.until("the first film plays", "return document.querySelector('.film video')?.readyState >= 2").await;
    let last = "Acrobot-v1";
    for environment in
        ["LunarLander-v3", "BipedalWalker-v3", "MountainCar-v0", "Pendulum-v1", "MountainCarContinuous-v0", last]
    {
        browser.js(&format!("document.querySelector(\"input[value='{environment}']\").click()")).await;
        // What the style sheet says of videos does not bring back one that is hidden.
        let shown = "const video = document.querySelector('.film video'); return !video.hidden || getComputedStyle(video).display === 'none'";
        assert_eq!(browser.js(shown).await, json!(true));
    }
    browser
        .until("the one that is wanted plays", "return document.querySelector('.film video')?.readyState >= 2")
        .await;
    let films: Vec<String> = std::fs::read_dir(studio.runs().join(".studio/videos"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".mp4"))
        .collect();
    // The first one, the last one, and at most one that was ready before it was given up.
    assert!(films.len() <= 3 && films.iter().any(|name| name.starts_with(last)), "{films:?}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_a_page_for_people_and_json_for_programs() {
    let studio = Studio::start();
    let Some(browser) = Browser::start().await else { return };
    browser.open(&studio.address("/nowhere/at/all")).await;
    browser
        .until(
            "a page says so",
            "return document.querySelector('h1')?.textContent === 'There is no page at this address'",
        )
        .await;
    browser.click("main a[href='/runs']").await;
    browser.until("it leads on", "return document.querySelector('h1').textContent === 'Runs'").await;
    let answer = "return fetch('/api/nowhere').then(async (answer) => [answer.status, (await answer.json()).error])";
    assert_eq!(browser.js(answer).await, json!([404, "no page at this address"]));
    let page = "return fetch('/nowhere', { headers: { accept: 'text/html' } }).then((answer) => [answer.status, answer.headers.get('content-type')])";
    assert_eq!(browser.js(page).await, json!([404, "text/html; charset=utf-8"]));
    // So does a studio whose token one does not know.
    let address = studio.address("/");
    let bare = address.split('?').next().unwrap().replace("127.0.0.1", "localhost");
    browser.open(&bare).await;
    browser
        .until(
            "a stranger is told",
            "return document.body.innerText.includes('This studio answers those only who know its token')",
        )
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_in_the_singular_and_no_r_squared_is_a_percentage() {
    let studio = Studio::start();
    let Some(browser) = on_the_first_page(&studio).await else { return };
    let words = "return import('/assets/page.js').then((page) => [page.count(1, 'operation'), page.count(2, 'operation'), \
        page.agreementText('r_squared', -3.131), page.agreementText('r_squared', 0.954), page.agreementText('same_action', 0.998), \
        page.stateText({ state: 'queued', position: 1 }), page.stateText({ state: 'queued', position: 3 })])";
    let expected = [
        "1 operation",
        "2 operations",
        "R² −3.13 (worse than a constant)",
        "R² 0.954",
        "99.8 %",
        "Queued, next in line",
        "Queued, 2 before it",
    ];
    assert_eq!(browser.js(words).await, json!(expected));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_the_bench_takes_the_old_result_away() {
    let studio = Studio::start();
    let run = finished(&studio, "CartPole-v1", &[]);
    let Some(browser) = Browser::start().await else { return };
    browser.open(&studio.address(&format!("/runs/{run}"))).await;
    browser.until("the formula is there", "return document.querySelector('.constant') !== null").await;
    browser.js(&press("Edit as text")).await;
    let returned = "return document.querySelector('.numbers b').textContent";
    let area = "document.querySelector('.as-text textarea')";
    let write =
        |text: &str| format!("{area}.value = '{text}'; {area}.dispatchEvent(new Event('input', {{ bubbles: true }}))");
    browser.js(&write("3*theta + theta_dot")).await;
    browser.until("it plays", "return document.querySelector('.numbers').innerText.includes('32 starts')").await;
    assert_ne!(browser.js(returned).await, json!("–"));
    browser.js(&write("3*theta + + theta_")).await;
    browser.until("it is said", "return document.querySelector('.story .problem').textContent.length > 5").await;
    assert_eq!(browser.js(returned).await, json!("–"));
    browser.js(&write("log(theta - 9)")).await;
    browser
        .until(
            "it leaves its domain",
            "return document.querySelector('.numbers').innerText.includes('leaves its domain')",
        )
        .await;
    assert_eq!(browser.js(returned).await, json!("–"));
    browser.close().await;
}

/// What an update puts in the program's place is for the next studio.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_running_studio_keeps_its_program_when_another_one_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("kanrl");
    std::fs::copy(env!("CARGO_BIN_EXE_kanrl"), &program).unwrap();
    let studio = Studio::of(&program, tempfile::tempdir().unwrap(), "0", &[]);
    let update = folder.path().join("update");
    std::fs::write(&update, "#!/bin/sh\necho 'this is another program' >&2; exit 3\n").unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(&mut update.metadata().unwrap().permissions(), 0o755);
    std::fs::rename(&update, &program).unwrap();
    let Some(browser) = on_the_first_page(&studio).await else { return };
    browser.until("the expert is filmed", "return document.querySelector('.film video')?.readyState >= 2").await;
    browser.fill("#steps", "20").await;
    browser
        .fill(
            "#settings",
            &format!("{QUICK}[evaluate]\nepisodes = 5\nrobustness_episodes = 0\n[record]\nvideos = false\n"),
        )
        .await;
    browser.click("button.primary").await;
    browser.until("it is done", "return document.querySelector('.pill.finished, .pill.failed') !== null").await;
    assert_eq!(browser.js("return document.querySelector('.notice').textContent").await, json!(""));
    // What was made in between is worked on by the same program, too.
    browser.until("its story is told", "return document.querySelector('.story .constant') !== null").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_in_words_and_report_and_page_give_an_edge_the_same_r_squared() {
    let studio = Studio::start();
    let run = finished(&studio, "Pendulum-v1", &["students.widths=[[2]]"]);
    let Some(browser) = Browser::start().await else { return };
    browser.open(&studio.address(&format!("/runs/{run}"))).await;
    browser.until("the story is told", "return document.querySelector('.story .segments') !== null").await;
    let log = browser.js("return document.querySelector('pre.log').textContent").await;
    let log = log.as_str().unwrap();
    assert!(log.contains("collect: started") && !log.contains('{') && !log.contains("\"event\""), "{log}");
    let report = std::fs::read_to_string(studio.runs().join(&run).join("report.html")).unwrap();
    let in_report: Vec<&str> = report.split("r² ").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    browser.js(&press("Best network")).await;
    browser.until("the network is drawn", "return document.querySelector('.network [data-edge]') !== null").await;
    let edges = browser.js("return document.querySelectorAll('.network [data-edge]').length").await.as_u64().unwrap();
    assert!(edges > 0);
    for edge in 0..edges {
        browser.js(&format!("document.querySelector('[data-edge=\"{edge}\"]').dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))")).await;
        browser.until("its functions are there", &format!("return document.querySelector('[data-edge=\"{edge}\"]').ariaPressed === 'true' && document.querySelector('.candidates button') !== null")).await;
        let own = "return [...document.querySelectorAll('.candidates button')].find((button) => button.textContent.includes('choice'))?.textContent ?? null";
        // An edge that stayed a curve has no name to look up.
        let Value::String(own) = browser.js(own).await else { continue };
        let shown = own.rsplit("R² ").next().unwrap();
        assert!(in_report.contains(&shown), "edge {edge}: {shown} is not in {in_report:?}");
    }
    browser.close().await;
}
