//! Equal to Gymnasium's recordings, to the last bit.
#![cfg(feature = "mujoco")]

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_core::testing::check_trajectories;

#[test]
fn equal_to_every_recording() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_mujoco::register(&mut registry).expect("distinct ids");
    let Some(folder) = kanrl_reference_data::folder("envs") else { return };
    let reports = check_trajectories(&registry, None, &folder, 0.0).expect("readable recordings, and MuJoCo");
    let mut deviations = Vec::new();
    for report in &reports {
        println!("{}: {} parts", report.id, report.parts.len());
        for part in &report.parts {
            if let Some(deviation) = &part.deviation {
                deviations
                    .push(format!("{}, {} (after {} equal numbers): {deviation}", report.id, part.name, part.compared));
            }
        }
    }
    assert!(deviations.is_empty(), "{}", deviations.join("\n"));
}
