//! Equal to Gymnasium's recordings to the last bit, and the comparison itself.

use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{EnvironmentEntry, EnvironmentRegistry, KeywordArguments};
use kanrl_core::random::Generator;
use kanrl_core::testing::{TrajectoryReport, check_trajectories};
use kanrl_envs_classic::{Pendulum, PendulumConfig};
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("distinct ids");
    registry
}

#[test]
fn equal_to_every_recording() {
    for folder in kanrl_reference_data::folders("envs") {
        let reports = check_trajectories(&registry(), None, &folder, 0.0).expect("readable recordings");
        assert_eq!(reports.len(), 5, "one for each environment in {}", folder.display());
        for report in &reports {
            if let Some((part, deviation)) = report.first_deviation() {
                panic!("{}, {} (after {} equal numbers): {deviation}", report.id, part.name, part.compared);
            }
        }
        kanrl_reference_data::say(&format!("{}: {} environments are equal", folder.display(), reports.len()));
    }
}

/// Records an episode of Pendulum in the format that the comparison reads.
fn record(folder: &Path, change: impl Fn(&mut Vec<f64>)) {
    let mut environment = registry().make("Pendulum-v1", &KeywordArguments::new()).expect("no arguments are needed");
    let space = environment.spec().action_space.clone();
    let mut generator = Generator::new(11);
    let mut action = ActionBatch::zeros(&space, 1);
    let mut observation = [0.0; 3];
    environment.reset(Some(11), &mut observation).expect("it cannot fail");
    let (mut observations, mut states) = (observation.to_vec(), environment.state());
    let (mut actions, mut rewards) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        space.sample(&mut generator, &mut action, 0);
        let outcome = environment.step(action.row(0), &mut observation).expect("it cannot fail");
        observations.extend(observation);
        states.extend(environment.state());
        rewards.push(outcome.reward);
        let ActionBatch::Continuous { values, .. } = &action else { panic!("a vector") };
        actions.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    change(&mut rewards);
    let bytes = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (observations, rewards, states) = (bytes(&observations), bytes(&rewards), bytes(&states));
    let view = |dtype, shape: &[usize], data| TensorView::new(dtype, shape.to_vec(), data).expect("matching sizes");
    let tensors = [
        ("ep0/obs", view(Dtype::F64, &[21, 3], &observations)),
        ("ep0/state", view(Dtype::F64, &[21, 2], &states)),
        ("ep0/rewards", view(Dtype::F64, &[20], &rewards)),
        ("ep0/actions", view(Dtype::F32, &[20, 1], &actions)),
        ("ep0/terminated", view(Dtype::U8, &[20], &[0; 20])),
        ("ep0/truncated", view(Dtype::U8, &[20], &[0; 20])),
    ];
    let file = safetensors::serialize(tensors, None).expect("sound tensors");
    std::fs::write(folder.join("Pendulum-v1.safetensors"), file).expect("a writable folder");
    let header = r#"{"id": "Pendulum-v1", "max_episode_steps": 200, "reward_threshold": null,
        "observation_space": {"type": "Box", "dtype": "float32", "low": [-1, -1, -8], "high": [1, 1, 8]},
        "action_space": {"type": "Box", "dtype": "float32", "low": [-2], "high": [2]},
        "episodes": [{"seed": 11, "policy": "random"}]}"#;
    std::fs::write(folder.join("Pendulum-v1.json"), header).expect("a writable folder");
}

fn check(registry: &EnvironmentRegistry, folder: &Path, tolerance: f64) -> TrajectoryReport {
    let mut reports = check_trajectories(registry, Some("Pendulum-v1"), folder, tolerance).expect("a sound recording");
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

#[test]
fn a_deviation_is_found_and_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    record(folder.path(), |_| {});
    let report = check(&registry(), folder.path(), 0.0);
    assert_eq!(report.first_deviation(), None);
    // 21 observations of 3, 21 lengths, 21 states of 2, 21 lengths, 20 rewards and 40 flags.
    assert_eq!(report.parts.last().expect("the episode").compared, 63 + 21 + 42 + 21 + 20 + 40);

    record(folder.path(), |rewards| rewards[6] += 1e-6);
    let report = check(&registry(), folder.path(), 0.0);
    let (part, deviation) = report.first_deviation().expect("a changed reward");
    assert_eq!(part.name, "episode 0 (seed 11, random)");
    assert_eq!((deviation.step, deviation.what.as_str()), (7, "reward"));
    assert_eq!(check(&registry(), folder.path(), 1e-5).first_deviation(), None);

    let mut heavier = EnvironmentRegistry::new();
    let entry = EnvironmentEntry::new("Pendulum-v1", "", "", |_: PendulumConfig| {
        Ok(Pendulum::new(PendulumConfig { g: 12.0, start: None }))
    });
    heavier.register(entry).expect("the only one");
    let report = check(&heavier, folder.path(), 1e-3);
    let (_, deviation) = report.first_deviation().expect("another gravity");
    assert!(deviation.step >= 1 && deviation.what.starts_with("observation"), "{deviation}");
}

#[test]
fn damaged_recordings_get_a_clear_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = |registry: &EnvironmentRegistry| {
        check_trajectories(registry, None, folder.path(), 0.0).expect_err("damaged").to_string()
    };
    record(folder.path(), |rewards| rewards.truncate(20));
    std::fs::write(folder.path().join("Pendulum-v1.safetensors"), b"nonsense").expect("a writable folder");
    assert!(error(&registry()).contains("Pendulum-v1.safetensors"));
    std::fs::remove_file(folder.path().join("Pendulum-v1.safetensors")).expect("it is there");
    assert!(error(&registry()).contains("Pendulum-v1.safetensors"));
    std::fs::write(folder.path().join("Pendulum-v1.json"), "{\"id\": 3}").expect("a writable folder");
    assert!(error(&registry()).contains("Pendulum-v1.json"));
    let unknown = check_trajectories(&registry(), Some("Pendulum-v2"), folder.path(), 0.0).expect_err("unknown");
    assert!(unknown.to_string().contains("did you mean `Pendulum-v1`?"), "{unknown}");
    assert!(check_trajectories(&registry(), None, Path::new("no/such/folder"), 0.0).is_err());
}
