//! Long formulas as MathML in a real browser.

mod common;

use common::tools;
use kanrl_symbolic::{ActionRule, Format, Formula, export};
use std::process::Command;

/// Two outputs of forty terms each, with every kind of term.
fn long_formula() -> Formula {
    let inputs = ["x", "x_dot", "theta", "theta_dot", "leg_1_contact", "cos_theta_1"];
    let kinds = [
        "sin(2*theta + 0.1)",
        "x^2",
        "tanh(theta_dot/3)",
        "abs(x_dot - 1)",
        "exp(-x*theta)",
        "sqrt(max(x_dot, 0.25))",
        "leg_1_contact*theta_dot",
        "gaussian(x)",
        "gate(leg_1_contact - 0.5, x, -theta)",
        "cos_theta_1^3/(1 + theta^2)",
        "clip(theta_dot, -1, 1)",
        "step(x_dot)",
        "arctan(x*theta_dot)",
        "log(1 + exp(x))",
        "curve(theta_dot; -1, 0.5; 1; 0, -2e-7, 3, 4; 2, 1)",
    ];
    let sum = |from: usize| {
        let terms = (0..40).map(|term| {
            let coefficient = if term % 9 == 3 { 1.25e-7 } else { 0.25 * (term + from + 1) as f64 };
            let sign = if term % 3 == 1 {
                "- "
            } else if term > 0 {
                "+ "
            } else {
                ""
            };
            format!("{sign}{coefficient}*{}", kinds[(term + from) % kinds.len()])
        });
        terms.collect::<Vec<_>>().join(" ")
    };
    let outputs = [("a_0", sum(0)), ("a_1", sum(5))];
    let outputs = outputs.each_ref().map(|(name, text)| (*name, text.as_str()));
    Formula::parse(&inputs, &outputs, ActionRule::Argmax).expect("a good formula")
}

#[test]
fn forty_terms_render_in_the_browser() {
    let Some(browser) = tools::browser() else { return };
    let mathml = export(&long_formula(), Format::MathMl).expect("any formula");
    assert!(!mathml.contains("merror"), "{mathml}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("page.html");
    // The page measures what was laid out and says so in its title.
    let script = "const rows = [...document.querySelectorAll('mtr')].map(row => row.getBoundingClientRect());\n\
                  const fits = rows.every(row => row.width > 0 && row.height > 0 && row.right <= window.innerWidth);\n\
                  document.title = `rows ${rows.length} fits ${fits} dots ${document.querySelectorAll('mover').length}`;";
    let html = format!(
        "<!doctype html><meta charset=utf-8><title></title><body style='background:white;font-size:16px'>{mathml}<script>{script}</script>"
    );
    std::fs::write(&page, html).expect("a writable folder");
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,1200"]);
    let picture = std::env::var_os("KANRL_PICTURES").map(|folder| std::path::Path::new(&folder).join("formula.png"));
    if let Some(picture) = &picture {
        command.arg(format!("--screenshot={}", picture.display()));
    }
    let dom = tools::run(command.args(["--dump-dom".as_ref(), page.as_os_str()]));
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    let rows: usize = title.split(' ').nth(1).and_then(|rows| rows.parse().ok()).unwrap_or_default();
    assert!(rows > 10 && title.contains("fits true"), "{title}");
    assert!(title.split(' ').next_back().and_then(|dots| dots.parse::<usize>().ok()) > Some(10), "{title}");
}
