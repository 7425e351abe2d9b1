//! Every environment here keeps its contract.

use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::testing::{Rule, check_environment};

#[test]
fn every_environment_keeps_the_contract() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_box2d::register(&mut registry).expect("distinct ids");
    for entry in registry.entries() {
        let mut violations = check_environment(entry, &KeywordArguments::new());
        println!("{}: {violations:?}", entry.id);
        if entry.id.ends_with("-v2") {
            // Gymnasium's v2 leaves the bounds that it declares, too: v3 has wider ones for that reason.
            violations.retain(|violation| violation.rule != Rule::Bounds);
        }
        assert_eq!(violations, [], "{}", entry.id);
    }
}
