//! Equal to Gymnasium's recordings, to the last bit.

use kan_core::environment::EnvironmentRegistry;
use kan_core::testing::check_trajectories;

#[test]
fn equal_to_every_recording() {
    let mut registry = EnvironmentRegistry::new();
    envs_classic::register(&mut registry).expect("distinct ids");
    let Some(folder) = reference_data::folder("envs") else { return };
    let reports = check_trajectories(&registry, None, &folder, 0.0).expect("readable recordings");
    for report in &reports {
        println!("{}: {} parts", report.id, report.parts.len());
        for part in &report.parts {
            if let Some(deviation) = &part.deviation {
                panic!("{}, {} (after {} equal numbers): {deviation}", report.id, part.name, part.compared);
            }
        }
    }
}
