//! Proof cards, explanations and finds, from the command line.

mod common;

use common::kanrl;
use serde_json::Value;
use std::path::Path;
use std::process::Output;

const LAW: &str = "formula:3*theta + theta_dot";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    kanrl(arguments).current_dir(folder).output().expect("kanrl runs")
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_card_is_printed_written_and_monitors_the_export_of_its_own_formula_only() {
    let folder = tempfile::tempdir().unwrap();
    let verify = [
        "verify",
        LAW,
        "--environment",
        "CartPole-v1",
        "--extent",
        "x_dot=-3:3",
        "--episodes",
        "200",
        "--boxes",
        "100",
    ];
    let text = succeeds(folder.path(), &[&verify[..], &["--out", "card.json"]].concat());
    for said in [
        "x_dot from -3 to 3 (given)",
        "theta_dot from -",
        "(twice what episodes show)",
        "proved     finite",
        "measured   failures",
        "proved     horizon",
    ] {
        assert!(text.contains(said), "`{said}` is not in\n{text}");
    }
    let json: Value =
        serde_json::from_str(&succeeds(folder.path(), &[&verify[..], &["--json"]].concat())).expect("JSON");
    let written: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("card.json")).unwrap()).expect("JSON");
    assert_eq!(json, written, "the same on every run");

    let formula = |text: &str| {
        let inputs = ["x", "x_dot", "theta", "theta_dot"];
        kanrl_symbolic::Formula::parse(&inputs, &[("a", text)], kanrl_symbolic::ActionRule::Threshold)
            .expect("a formula")
    };
    let name = json["formula"].as_str().expect("a formula").split_once(" = ").expect("a name").0.to_owned();
    let own = formula("3*theta + theta_dot").to_json().replace("\"a\"", &format!("\"{name}\""));
    std::fs::write(folder.path().join("own.json"), own).unwrap();
    std::fs::write(folder.path().join("other.json"), formula("3.5*theta + theta_dot").to_json()).unwrap();
    let export = ["--to", "c", "--monitor", "card.json", "--fallback", "0"];
    let code = succeeds(folder.path(), &[&["export", "own.json"][..], &export].concat());
    assert!(code.contains("policy_monitored_action"), "{code}");
    let refused = run(folder.path(), &[&["export", "other.json"][..], &export].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another formula"), "{refused:?}");
}

#[test]
fn a_find_is_played_again() {
    let folder = tempfile::tempdir().unwrap();
    let find = r#"{ "change": "x_dot starts far out", "size": 20, "fails": "a", "succeeds": "b", "failing_return": 100,
        "succeeding_return": 500, "conditions": { "seed": 0, "start": [0, 1.5, 0, 0], "delay": 0 } }"#;
    std::fs::write(folder.path().join("1.json"), find).unwrap();
    let play = ["play", "CartPole-v1", "--policy", LAW, "--conditions", "1.json", "--out", "1.gif", "--json"];
    let played: Value = serde_json::from_str(&succeeds(folder.path(), &play)).expect("JSON");
    assert!(played["return"].as_f64().expect("a number") < 500.0, "{played}");
    std::fs::write(folder.path().join("1.json"), "{}").unwrap();
    let refused = run(folder.path(), &play);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("kanrl verify --hunt"), "{refused:?}");
}

#[test]
fn an_explanation_speaks_and_draws() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["explain", LAW, "--environment", "CartPole-v1", "--episodes", "4", "--pictures", "pictures"];
    let text = succeeds(folder.path(), &arguments);
    assert!(text.contains("proportional-derivative law on theta"), "{text}");
    for picture in ["switching.svg", "expert.svg"] {
        assert!(std::fs::read_to_string(folder.path().join("pictures").join(picture)).unwrap().starts_with("<svg"));
    }
    let refused = run(folder.path(), &["explain", LAW]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--environment"), "{refused:?}");
}
