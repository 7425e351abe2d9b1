//! A finished run's page: one story of formula, diagram, films and numbers, in which everything can be moved.

use crate::browser::{Browser, Studio};
use crate::finished;
use kanrl::experts::FunctionPolicy;
use kanrl::symbolic::{Formula, Output};
use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::policy::Policy;
use serde_json::{Value, json};

/// Clicks the button with this text.
fn press(words: &str) -> String {
    format!("[...document.querySelectorAll('main button')].find((button) => button.textContent === '{words}').click()")
}

const TOLD: &str = "return document.querySelector('.story .numbers b') !== null && document.querySelector('.lane-0 .did').textContent.length > 2";
const FORMULA: &str = "return document.querySelector('.print').textContent";

/// The 95th percentile of what the page measured, in milliseconds, for those who read the test's output: a test that asserts on
/// time would fail on a busy machine.
async fn report_times(browser: &Browser, name: &str) {
    let times = browser
        .js(&format!(
            "return performance.getEntriesByName('kanrl-{name}').map((entry) => entry.duration).sort((a, b) => a - b)"
        ))
        .await;
    let times: Vec<f64> = times.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!(!times.is_empty(), "nothing was measured of {name}");
    println!(
        "{name}: 95 % of {} answers within {:.0} ms",
        times.len(),
        times[(times.len() * 95 / 100).min(times.len() - 1)]
    );
}

async fn tell(environment: &str) {
    let studio = Studio::start();
    let run = finished(&studio, environment, &[]);
    let Some(browser) = Browser::start().await else { return };
    let page = studio.address(&format!("/runs/{run}"));
    browser.open(&page).await;
    browser.until("the story is told", TOLD).await;
    // Together, without scrolling.
    let tops = "return ['.print', '.numbers', '.dial', '.lanes', '.drawing svg'].map((part) => document.querySelector(part).getBoundingClientRect().top < innerHeight)";
    assert_eq!(browser.js(tops).await, Value::from(vec![true; 5]));
    browser.assert_accessible(&format!("the page of {environment}")).await;
    // The dial: another point of the front is another formula with other numbers, at once.
    let before = browser.js(FORMULA).await;
    let dial = "const dial = document.getElementById('dial'); dial.value = dial.value === dial.max ? 0 : dial.max; dial.dispatchEvent(new Event('input', { bubbles: true }));";
    browser.js(dial).await;
    // Points of a front can be the same formula by another way; those of Pendulum's ends are not.
    let after = browser.js(FORMULA).await;
    assert!(environment != "Pendulum-v1" || before != after, "{before}");
    assert!(
        browser.js("return document.querySelector('.numbers').innerText").await.as_str().unwrap().contains("chosen by")
    );
    let address = browser.js("return location.search").await;
    assert!(address.as_str().unwrap().contains("show=point-"), "{address}");
    // The address brings it back.
    let address = browser.js("return location.href").await.as_str().unwrap().to_owned();
    browser.open(&address).await;
    browser.until("the story is told again", TOLD).await;
    assert_eq!(browser.js(FORMULA).await, after);
    for value in 0..30 {
        browser.js(&format!("const dial = document.getElementById('dial'); dial.value = {value} % (Number(dial.max) + 1); dial.dispatchEvent(new Event('input', {{ bubbles: true }}));")).await;
    }
    report_times(&browser, "dial").await;
    // The network has its diagram, and another function on an edge stands beside the headline.
    browser.js(&press("Best network")).await;
    browser.until("the network is drawn", "return document.querySelector('.network [data-edge]') !== null").await;
    browser.js("document.querySelector('[data-edge]').dispatchEvent(new MouseEvent('click', { bubbles: true }))").await;
    browser.until("candidates are listed", "return document.querySelectorAll('.candidates button').length > 2").await;
    browser.js("[...document.querySelectorAll('.candidates button')].find((button) => !button.textContent.includes('choice')).click()").await;
    browser.js("[...document.querySelectorAll('button')].find((button) => /^Use .* here and refit$/.test(button.textContent)).click()").await;
    browser.until("it stands beside the headline", "return [...document.querySelectorAll('.segments button')].some((button) => button.textContent.startsWith('With '))").await;
    // A constant of the headline, by the keyboard alone.
    browser.js(&press("Headline")).await;
    browser.js("document.querySelector('.hands input').focus()").await;
    for _ in 0..20 {
        browser.press("\u{e013}").await;
    }
    browser.until("the edit plays", "return document.querySelector('.segments [aria-pressed=true]').textContent === 'Your edit' && document.querySelector('.numbers').innerText.includes('32 starts')").await;
    assert!(
        browser.js("return document.activeElement.closest('.hands') !== null").await == json!(true),
        "the focus stays"
    );
    browser
        .until(
            "where it breaks is known",
            "return /Breaks|does not break/.test(document.querySelector('.tuner').innerText)",
        )
        .await;
    report_times(&browser, "bench").await;
    browser.assert_accessible(&format!("an edit of {environment}")).await;
    // Three in step, and the ghost of the original.
    let lanes = "return [...document.querySelectorAll('.lane')].filter((lane) => !lane.hidden).length";
    assert_eq!(browser.js(lanes).await, json!(3));
    assert!(browser.js("return document.querySelector('.response .ghost') !== null").await == json!(true));
    // The address holds the edit.
    let edited = browser.js(FORMULA).await;
    let address = browser.js("return location.href").await.as_str().unwrap().to_owned();
    browser.open(&address).await;
    browser
        .until(
            "the edit is back",
            "return document.querySelector('.segments [aria-pressed=true]')?.textContent === 'Your edit'",
        )
        .await;
    assert_eq!(browser.js(FORMULA).await, edited);
    // It becomes a run of its own, whose result it is.
    browser.js(&press("Save as a new run")).await;
    browser
        .until(
            "the new run has a page",
            &format!("return location.pathname.startsWith('/runs/') && !location.pathname.endsWith('{run}')"),
        )
        .await;
    browser.until("it is done", "return document.querySelector('.pill.finished, .pill.failed') !== null").await;
    assert_eq!(browser.js("return document.querySelector('.notice').textContent").await, json!(""));
    browser.until("its story is told", TOLD).await;
    assert_eq!(browser.js(FORMULA).await, edited);
    let title = browser.js("return document.querySelector('.story-title').textContent").await;
    assert!(title.as_str().unwrap().starts_with("own"));
    browser.assert_own_resources_only(&studio).await;
    browser.close().await;
}

/// A browser that is late gives its frames times that have passed: the films begin at their beginning all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_told_by_a_browser_that_is_late() {
    let studio = Studio::start();
    let run = finished(&studio, "CartPole-v1", &[]);
    let Some(browser) = Browser::start().await else { return };
    browser.open(&studio.address("/runs")).await;
    browser.js("const now = performance.now.bind(performance); performance.now = () => now() + 200").await;
    let follow = format!("history.pushState(null, '', '/runs/{run}'); dispatchEvent(new Event('navigate'))");
    browser.js(&follow).await;
    browser.until("the story is told", TOLD).await;
    let choices = browser.js("return document.querySelectorAll('.segments button').length").await;
    assert!(choices.as_u64().unwrap() > 1, "{choices}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_cart_pole() {
    tell("CartPole-v1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_pendulum() {
    tell("Pendulum-v1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_accessible_on_a_phone_and_for_those_who_like_it_dark_and_calm() {
    let studio = Studio::start();
    let run = finished(&studio, "CartPole-v1", &[]);
    for (kind, browser) in [("phone", Browser::phone().await), ("dark", Browser::calm_and_dark().await)] {
        let Some(browser) = browser else { return };
        for path in ["/", "/runs", &format!("/runs/{run}"), &format!("/compare?run={run}&run={run}")] {
            browser.open(&studio.address(path.split('?').next().unwrap())).await;
            if path.contains('?') {
                let here = browser.js("return location.origin").await;
                browser.open(&format!("{}{path}", here.as_str().unwrap())).await;
            }
            browser
                .until(
                    "the page is there",
                    "return document.querySelector('.choice, .list table, .story .numbers b, .lead') !== null",
                )
                .await;
            let overflow = browser.js("return document.documentElement.scrollWidth - innerWidth").await;
            assert!(overflow.as_f64().unwrap() <= 0.0, "{path} is wider than the {kind}: {overflow}");
            browser.assert_accessible(&format!("{path}, {kind}")).await;
        }
        if kind == "dark" {
            browser.open(&studio.address(&format!("/runs/{run}"))).await;
            browser.until("the story is told", TOLD).await;
            // Nothing moves by itself; the space bar and the arrows of the keyboard do.
            let place = "return document.querySelector('.place').textContent.split(' ')[0]";
            assert_eq!(browser.js(place).await, json!("0"));
            assert_eq!(
                browser.js("return getComputedStyle(document.body).backgroundColor").await,
                json!("rgb(18, 21, 28)")
            );
            browser.js("document.querySelector('[aria-label=\"One step on\"]').focus()").await;
            browser.press("\u{e007}").await;
            assert_eq!(browser.js(place).await, json!("1"));
        }
        browser.close().await;
    }
}

/// Runs are named, found, deleted, brought back and compared.
#[tokio::test(flavor = "multi_thread")]
async fn runs_are_named_found_deleted_brought_back_and_compared() {
    let studio = Studio::start();
    let runs = [finished(&studio, "CartPole-v1", &[]), finished(&studio, "CartPole-v1", &["students.widths=[[]]"])];
    let Some(browser) = Browser::start().await else { return };
    browser.open(&studio.address("/runs")).await;
    let rows = "return [...document.querySelectorAll('tbody tr')].map((row) => row.dataset.run)";
    browser.until("both are listed", "return document.querySelectorAll('tbody tr').length === 2").await;
    browser.js(&format!("document.getElementById('name-{}').click()", runs[0])).await;
    browser.fill("#run-name", "The good one").await;
    browser.fill("#run-tags", "short, paper\n").await;
    browser.until("it has its name", "return document.querySelector('tbody').innerText.includes('The good one') && document.querySelectorAll('.tag').length === 2").await;
    browser.fill("#search", "paper good").await;
    browser.until("it is found", "return document.querySelectorAll('tbody tr').length === 1").await;
    assert_eq!(browser.js(rows).await, json!([runs[0]]));
    browser.js("document.querySelector('[aria-label=\"Delete The good one\"]').click()").await;
    browser.until("it is gone", "return document.querySelectorAll('tbody tr').length === 0").await;
    assert!(!studio.runs().join(&runs[0]).exists());
    browser.js("document.querySelector('.toast button').click()").await;
    browser.until("it is back", "return document.querySelectorAll('tbody tr').length === 1").await;
    assert!(studio.runs().join(&runs[0]).join("config.toml").exists());
    browser.js("const search = document.getElementById('search'); search.value = ''; search.dispatchEvent(new Event('input'))").await;
    for run in &runs {
        browser.js(&format!("document.getElementById('compare-{run}').click()")).await;
    }
    browser.js(&press("Compare 2 runs")).await;
    browser.until("they are compared", "return document.querySelectorAll('.side .print').length === 2 && document.querySelectorAll('.lane .did').length === 2").await;
    let text = browser.js("return document.querySelector('main').innerText").await;
    let text = text.as_str().unwrap();
    for words in ["students.widths", "The good one", "start by start", "better in"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    browser.assert_accessible("two runs compared").await;
    browser.close().await;
}

/// Classic control in the page: the same episodes as here, up to what a browser's sine differs in its last bit.
#[tokio::test(flavor = "multi_thread")]
async fn formulas_play_in_the_page_as_they_do_here() {
    let Some(browser) = Browser::start().await else { return };
    let studio = Studio::start();
    browser.open(&studio.address("/")).await;
    browser.until("the page is there", "return document.querySelectorAll('.choice').length > 3").await;
    let registry = kanrl::environments().unwrap();
    let formulas = [
        ("CartPole-v1", vec!["3*theta + theta_dot + 0.1*x + 0.3*x_dot"]),
        ("MountainCar-v0", vec!["-40*v", "0", "40*v + 0.01"]),
        ("MountainCarContinuous-v0", vec!["18*v + 0.3*sin(3*x)"]),
        ("Acrobot-v1", vec!["-0.5*theta2_dot", "0", "theta2_dot - sin_theta1"]),
        ("Pendulum-v1", vec!["clip(-8*sin_theta - 2*theta_dot, -2, 2) + gate(cos_theta, 0, theta_dot)"]),
    ];
    for (id, texts) in formulas {
        let mut environment = registry.make(id, &Default::default()).unwrap();
        let spec = environment.spec().clone();
        let rule = match texts.len() {
            1 => ActionRule::of_differences(&spec.action_space),
            _ => ActionRule::of(&spec.action_space),
        };
        let inputs = spec.observation_space.names();
        let outputs = texts.iter().enumerate();
        let outputs: Vec<Output> = outputs
            .map(|(index, text)| Output { name: format!("out_{index}"), expression: text.parse().unwrap() })
            .collect();
        let formula = Formula::new(inputs.clone(), outputs, rule).unwrap();
        let policy = FunctionPolicy::from_formula(&formula, &spec, "a formula".to_owned()).unwrap();
        let (mut starts, mut totals, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for seed in 0..12 {
            let mut observation = vec![0.0; inputs.len()];
            let mut actions = ActionBatch::zeros(&spec.action_space, 1);
            environment.reset(Some(seed), &mut observation).unwrap();
            starts.push(environment.state());
            let mut total = 0.0;
            for step in 0.. {
                policy.act(&observation, &[step], &mut actions).unwrap();
                let outcome = environment.step(actions.row(0), &mut observation).unwrap();
                total += outcome.reward;
                if outcome.is_over() {
                    break;
                }
            }
            totals.push(total);
            ends.push(environment.state());
        }
        let constants: serde_json::Map<String, Value> =
            environment.parameters().into_iter().map(|one| (one.name, json!(one.value))).collect();
        let world = json!({ "id": id, "constants": constants, "options": {}, "steps": spec.max_episode_steps });
        let written = json!({
            "inputs": inputs, "action": formula.action(),
            "outputs": texts.iter().enumerate().map(|(index, text)| json!({ "name": format!("out_{index}"), "text": text })).collect::<Vec<_>>(),
        });
        let script = format!(
            "return import('/assets/play.js').then(({{ Formula, episode, world }}) => {{ const place = world({world}); const formula = new Formula({written}); \
             return {}.map((start) => {{ const found = episode(place, formula, start); return [found.total, [...found.states.at(-1)]]; }}); }})",
            json!(starts)
        );
        let played = browser.js(&script).await;
        let mut largest: f64 = 0.0;
        for (index, one) in played.as_array().unwrap().iter().enumerate() {
            largest = largest.max((one[0].as_f64().unwrap() - totals[index]).abs());
            for (place, value) in ends[index].iter().enumerate() {
                largest = largest.max((one[1][place].as_f64().unwrap() - value).abs());
            }
        }
        println!("{id}: returns and last states differ by at most {largest:e}");
        assert!(largest < 1e-6, "{id}: {largest}: {played} {totals:?} {ends:?}");
    }
    browser.close().await;
}
