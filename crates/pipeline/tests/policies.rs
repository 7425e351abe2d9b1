//! Policies of a run, by name.

use kanrl_core::config::{ApproximatorConfig, ExpertConfig};
use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::kan::KanConfig;
use kanrl_core::policy::ExpertPolicy;
use kanrl_experts::PolicyOptions;
use kanrl_pipeline::run::{LockedRun, PolicyRole, PolicySource, RunFile, RunPolicy};
use kanrl_symbolic::{ActionRule, Formula};
use std::sync::Arc;

fn spec(id: &str) -> EnvironmentSpec {
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).unwrap();
    environments.spec(id).unwrap()
}

fn resolve(name: &str, id: &str) -> Result<Arc<dyn ExpertPolicy>, String> {
    let source: PolicySource = name.parse().map_err(|error: kanrl_experts::ExpertError| error.to_string())?;
    source.resolve(&spec(id)).map_err(|error| error.reason)
}

fn formula(text: &str) -> Formula {
    Formula::parse(&["x", "x_dot", "theta", "theta_dot"], &[("a", text)], ActionRule::Threshold).unwrap()
}

#[test]
fn a_run_s_policies_are_found_by_their_roles() {
    let folder = tempfile::tempdir().unwrap();
    let run = LockedRun::open(folder.path()).unwrap();
    run.write(RunFile::Config, b"environment.id = 'CartPole-v1'").unwrap();
    for (file, text) in [(RunFile::Formula, "theta"), (RunFile::Faithful, "-theta"), (RunFile::Polished, "2*theta")] {
        run.write(file, formula(text).to_json().as_bytes()).unwrap();
    }
    let network = KanConfig::default().build(4, 2, 7).unwrap();
    run.write(RunFile::Network, &network.save()).unwrap();

    let (observation, directory) = ([0.0, 0.0, 0.25, 0.0], folder.path().display());
    let mut expected = [0.0; 2];
    network.predict(&observation, &mut expected);
    let scores_of = [
        ("", [0.0, 0.25]),
        ("#headline", [0.0, 0.25]),
        ("#faithful", [0.0, -0.25]),
        ("#polished", [0.0, 0.5]),
        ("#network", expected),
    ];
    for (role, expected) in scores_of {
        let name = format!("run:{directory}{role}");
        let mut scores = [0.0; 2];
        resolve(&name, "CartPole-v1").unwrap().scores(&observation, &[0], &mut scores).unwrap();
        assert_eq!(scores, expected, "{name}");
        let standalone = name.parse::<PolicySource>().unwrap().standalone(&PolicyOptions::default()).unwrap();
        standalone.policy.scores(&observation, &[0], &mut scores).unwrap();
        assert_eq!(scores, expected, "{name}, alone");
        assert_eq!(standalone.observation_names, ["x", "x_dot", "theta", "theta_dot"]);
    }
    let polished: PolicySource = format!("run:{directory}#polished").parse().unwrap();
    assert_eq!(polished.formula(None).unwrap(), Some(formula("2*theta")));
    let policy = RunPolicy { directory: folder.path().to_owned(), role: PolicyRole::Network };
    let sources = policy.sources(&spec("CartPole-v1")).unwrap();
    assert_eq!(sources[0].content, run.read(RunFile::Network).unwrap());

    let refused = |name: &str, id: &str| resolve(&format!("run:{directory}{name}"), id).err().unwrap();
    let message = refused("#network", "Pendulum-v1");
    assert!(message.contains("takes 4 observations and gives 2 outputs, but `Pendulum-v1` has 3"), "{message}");
    assert!(refused("", "Acrobot-v1").contains("gives 2 discrete actions, but `Acrobot-v1` has 6 observations"));
    assert!(refused("#kan", "CartPole-v1").contains("a run has no policy `kan`; expected expert, network,"));
    assert!(refused("#expert", "CartPole-v1").contains("name the expert itself"));
    assert!(resolve("run:", "CartPole-v1").err().unwrap().contains("expected a run directory"));
    assert!(resolve("run:/nowhere", "CartPole-v1").err().unwrap().contains("/nowhere"));
    assert!(resolve("formula.jsn", "CartPole-v1").err().unwrap().ends_with("formula:EXPRESSION or run:DIR"));
    std::fs::remove_file(run.path_of(RunFile::Formula)).unwrap();
    let alone =
        format!("run:{directory}#network").parse::<PolicySource>().unwrap().standalone(&PolicyOptions::default());
    assert!(alone.err().unwrap().reason.contains("name the environment"));
}
