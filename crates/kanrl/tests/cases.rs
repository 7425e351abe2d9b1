//! Logs and experts of kinds that users have, each with what is right for it.

mod common;

use common::{kanrl, metrics};
use kanrl_pipeline::run::Agreement;
use kanrl_pipeline::run::Metrics;
use kanrl_pipeline::run::PolicyRole::Headline;
use std::fmt::Write;
use std::path::Path;

fn extract(arguments: &[&str]) -> (String, Metrics) {
    let folder = tempfile::tempdir().unwrap();
    let output = kanrl(&["extract", "--out", "run"]).args(arguments).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), metrics(&folder.path().join("run")))
}

/// What becomes of the log of that name, without hidden layers.
fn of_fixture(name: &str) -> (String, Metrics) {
    let path = format!("{}/tests/fixtures/cases/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    extract(&["--hidden", "", "--dataset", &path])
}

/// What becomes of a log that is written here.
fn of_rows(header: &str, rows: impl Iterator<Item = String>) -> (String, Metrics) {
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    let mut text = format!("{header}\n");
    rows.for_each(|row| writeln!(text, "{row}").unwrap());
    std::fs::write(file.path(), text).unwrap();
    extract(&["--hidden", "", "--dataset", Path::new(file.path()).to_str().unwrap()])
}

fn agreement(metrics: &Metrics) -> f64 {
    metrics.fidelity[&Headline].expert_states.value()
}

/// Numbers between −1 and 1 that look random.
fn numbers() -> impl Iterator<Item = f64> {
    let next =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(7_u64), next).skip(1).map(|state| (state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0)
}

#[test]
fn a_linear_rule_between_two_actions_is_found_as_one() {
    let (printed, metrics) = of_fixture("linear_rule");
    assert!(agreement(&metrics) > 0.995, "{printed}");
    assert!(metrics.formulas[&Headline].operations <= 4, "{printed}");
    assert!(metrics.warnings.is_empty(), "{printed}");
}

#[test]
fn a_rare_action_is_taken_or_its_absence_is_said() {
    let (printed, metrics) = of_fixture("rare_action");
    let Agreement::SameAction { recall, .. } = &metrics.fidelity[&Headline].expert_states else { panic!("{printed}") };
    let is_found = recall[1].unwrap_or_default() > 0.3;
    assert!(is_found || printed.contains("warning: headline: it takes the expert's action in"), "{printed}");
}

#[test]
fn a_coin_is_not_explained() {
    let rows: Vec<f64> = numbers().take(2400).collect();
    let row = |row: &[f64]| format!("{},{},{}", row[0], row[1], u8::from(row[2] > 0.0));
    let (printed, metrics) = of_rows("x,v,action", rows.chunks_exact(3).map(row));
    assert!(metrics.warnings.iter().any(|warning| warning.starts_with("headline: ")), "{printed}");
}

#[test]
fn twelve_sectors_of_an_angle_are_told_apart() {
    let (printed, metrics) = of_fixture("twelve_actions");
    assert!(agreement(&metrics) > 0.9, "{printed}");
}

#[test]
fn an_expert_that_switches_between_its_bounds_is_not_a_constant() {
    let law = "formula:-21200*cos_theta*sin_theta - 4850*cos_theta*theta_dot + 60";
    let (printed, metrics) = extract(&["Pendulum-v1", "--expert", law, "--polish-steps", "200000", "--episodes", "30"]);
    let mean = metrics.returns[&Headline].mean;
    assert!(mean > -300.0, "{mean}: {printed}");
    assert!(metrics.formulas[&Headline].operations >= 4, "{printed}");
}
