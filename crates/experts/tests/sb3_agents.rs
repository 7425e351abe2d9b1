//! Every recorded Stable-Baselines3 agent acts as Python's `model.predict(deterministic=True)` does.

use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{ExpertPolicy, Policy, ScoreKind};
use kanrl_experts::sb3::{Sb3Archive, Sb3Config};
use kanrl_experts::{NetworkPolicy, TimeFeature};
use kanrl_reference_data::Tensors;
use std::path::{Path, PathBuf};

/// All archives of the reference data and of this crate that have a recorded fixture next to them.
fn agents() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents");
    let folders = kanrl_reference_data::folder("experts").into_iter().chain(own.is_dir().then_some(own));
    let mut agents = Vec::new();
    for algorithm in folders.flat_map(|folder| std::fs::read_dir(folder).expect("a readable folder")) {
        let algorithm = algorithm.expect("a readable entry").path();
        if algorithm.is_dir() {
            let files = std::fs::read_dir(algorithm).expect("a readable folder");
            agents.extend(files.map(|file| file.expect("a readable entry").path()).filter(|path| {
                path.extension().is_some_and(|extension| extension == "zip") && fixture(path).is_file()
            }));
        }
    }
    agents.sort();
    if agents.is_empty() {
        println!("skipped: no reference data (experts/*/*.zip)");
    }
    agents
}

fn fixture(archive: &Path) -> PathBuf {
    archive.with_extension("fixture.safetensors")
}

fn load(path: &Path, time_feature: Option<TimeFeature>) -> NetworkPolicy {
    let archive = Sb3Archive::open(&Sb3Config { path: path.to_owned(), vecnormalize: None });
    archive.and_then(|archive| archive.standalone(time_feature)).unwrap_or_else(|error| panic!("{error}"))
}

/// Largest distance relative to `max(1, |expected|)`.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
}

fn actions(policy: &NetworkPolicy, observations: &[f64], rows: usize) -> Vec<f64> {
    let mut actions = ActionBatch::zeros(policy.action_space(), 0);
    policy.act(observations, &vec![0; rows], &mut actions).expect("finite outputs");
    match actions {
        ActionBatch::Discrete(actions) => actions.into_iter().map(|action| action as f64).collect(),
        ActionBatch::Continuous { values, .. } => values.into_iter().map(f64::from).collect(),
    }
}

#[test]
fn actions_and_scores_equal_those_of_python() {
    for path in agents() {
        let name = path.display();
        let recorded = Tensors::read(&fixture(&path));
        let policy = load(&path, None);
        let observations = recorded.values("obs_raw");
        let rows = recorded.get("obs_raw").shape[0];
        assert_eq!(policy.observation_size(), recorded.get("obs_raw").shape[1], "{name}");

        let found = actions(&policy, observations, rows);
        let distance_of_actions = distance(&found, recorded.values("action"));
        let discrete = recorded.get("action").element_type == "I64";
        if discrete {
            assert_eq!(found, recorded.values("action"), "{name}");
        } else {
            assert!(distance_of_actions <= 1e-5, "{name}: actions differ by {distance_of_actions}");
        }

        let mut scores = vec![0.0; rows * policy.action_space().outputs()];
        policy.scores(observations, &vec![0; rows], &mut scores).expect("scores");
        let (kind, expected) = if let Some(logits) = recorded.find("logits") {
            (ScoreKind::Logits, logits)
        } else if let Some(values) = recorded.find("q_values") {
            (ScoreKind::QValues, values)
        } else if matches!(policy.head(), kanrl_experts::Head::Squashed { .. }) {
            (ScoreKind::Means, recorded.get("action"))
        } else if let Some(mean) = recorded.find("mean") {
            (ScoreKind::Means, mean)
        } else {
            (policy.score_kind().expect("a score"), recorded.get("action_preclip"))
        };
        assert_eq!(policy.score_kind(), Some(kind), "{name}");
        // ARS has no recorded scores for discrete actions.
        let distance_of_scores =
            if expected.values.len() == scores.len() { distance(&scores, &expected.values) } else { 0.0 };
        println!("{name}: actions differ by {distance_of_actions:.1e}, scores by {distance_of_scores:.1e}");
        // Q-values reach hundreds; PyTorch's f32 sums differ from ours in the last digits.
        assert!(distance_of_scores <= 2e-5, "{name}: scores differ by {distance_of_scores}");
    }
}

#[test]
fn a_row_has_the_same_bits_alone_and_in_a_batch() {
    for path in agents() {
        let recorded = Tensors::read(&fixture(&path));
        let policy = load(&path, None);
        let (observations, rows) = (recorded.values("obs_raw"), recorded.get("obs_raw").shape[0]);
        let together = actions(&policy, observations, rows);
        let outputs = together.len() / rows;
        for row in 0..rows {
            let size = policy.observation_size();
            let alone = actions(&policy, &observations[row * size..(row + 1) * size], 1);
            assert_eq!(alone, together[row * outputs..(row + 1) * outputs], "{} row {row}", path.display());
        }
    }
}

/// Agents trained with a time feature get it from `elapsed_steps`, whatever their environment's observation lacks.
#[test]
fn the_time_feature_comes_from_the_elapsed_steps() {
    const MAX_STEPS: u32 = 1000;
    let Some(index) = kanrl_reference_data::folder("experts") else { return };
    let index = kanrl_reference_data::read_json(&index.join("experts.json"));
    for path in agents() {
        let algorithm = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).expect("a folder");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        if index["agents"][format!("{algorithm}/{stem}")]["time_feature_wrapper"] != true {
            continue;
        }
        let recorded = Tensors::read(&fixture(&path));
        let (whole, timed) = (load(&path, None), load(&path, Some(TimeFeature { max_steps: MAX_STEPS })));
        let size = whole.observation_size();
        assert_eq!(timed.observation_size(), size - 1);
        let (mut observations, mut elapsed) = (Vec::new(), Vec::new());
        for row in recorded.values("obs_raw").chunks_exact(size) {
            observations.extend_from_slice(&row[..size - 1]);
            elapsed.push(((1.0 - row[size - 1]) * f64::from(MAX_STEPS)).round() as u32);
        }
        let mut found = ActionBatch::zeros(timed.action_space(), 0);
        timed.act(&observations, &elapsed, &mut found).expect("finite outputs");
        let ActionBatch::Continuous { values, .. } = found else { panic!("continuous actions") };
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let distance = distance(&values, recorded.values("action"));
        println!("{}: {distance:.1e}", path.display());
        assert!(distance <= 1e-5, "{}: {distance}", path.display());
    }
}
