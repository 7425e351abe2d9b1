//! Equal to Gymnasium's recordings, to the last bit.
#![cfg(feature = "mujoco")]

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_core::testing::check_trajectories;

#[test]
fn equal_to_every_recording() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_mujoco::register(&mut registry).expect("distinct ids");
    let mut deviations = Vec::new();
    for folder in kanrl_reference_data::folders("envs") {
        let reports = check_trajectories(&registry, None, &folder, 0.0).expect("readable recordings, and MuJoCo");
        assert!(!reports.is_empty(), "no recordings in {}", folder.display());
        for report in &reports {
            for part in &report.parts {
                if let Some(deviation) = &part.deviation {
                    let (id, name, compared) = (&report.id, &part.name, part.compared);
                    deviations.push(format!("{id}, {name} (after {compared} equal numbers): {deviation}"));
                }
            }
        }
        kanrl_reference_data::say(&format!("{}: {} environments compared", folder.display(), reports.len()));
    }
    assert!(deviations.is_empty(), "{}", deviations.join("\n"));
}
