//! Networks in ONNX: the checker passes them, and onnxruntime and our own reader compute what the network does.

mod common;

use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{ExpertPolicy, Policy};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use kanrl_experts::network::{Activation, Layer, Mlp};
use kanrl_experts::onnx::OnnxPolicy;
use kanrl_experts::{Head, NetworkPolicy, ObservationNormalization, TimeFeature};
use kanrl_export::ExportError;
use kanrl_export::onnx::{Precision, network};
use std::process::Command;

/// Numbers within −1 and 1 that look random.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 37 + seed * 101 + 11) % 199) as f32 / 99.0 - 1.0).collect()
}

fn normalization(size: usize) -> ObservationNormalization {
    let numbers = |seed: usize| numbers(size, seed).into_iter().map(f64::from);
    let variance = numbers(6).map(|value| 1.5 + value).collect();
    ObservationNormalization { mean: numbers(5).collect(), variance, epsilon: 1e-8, clip: 1.5 }
}

fn policy(widths: [usize; 3], activation: Activation, head: Head, space: ActionSpace) -> NetworkPolicy {
    let layer = |inputs: usize, outputs: usize, activation| {
        let (weight, bias) = (numbers(inputs * outputs, inputs), numbers(outputs, 3));
        Layer::new(inputs, outputs, &weight, Some(&bias), activation).expect("a layer")
    };
    let [inputs, hidden, outputs] = widths;
    let layers = vec![layer(inputs, hidden, activation), layer(hidden, outputs, Activation::Identity)];
    let network = Mlp::new(layers).expect("a network");
    NetworkPolicy::new(network, head, space, Some(normalization(inputs)), None, "a test's".to_owned())
        .expect("a policy")
}

fn vector() -> ActionSpace {
    let coordinates = vec![Coordinate::new("left", "1", -1.0, 1.0), Coordinate::new("right", "1", -0.5, 2.0)];
    ActionSpace::Box(BoxSpace::new(ElementType::F32, coordinates))
}

/// All activations, all heads, and bundled experts.
fn policies() -> Vec<NetworkPolicy> {
    let mut policies: Vec<NetworkPolicy> =
        Activation::ALL.map(|(_, activation)| policy([3, 5, 2], activation, Head::Means, vector())).into();
    let discrete = || ActionSpace::Discrete(DiscreteSpace::new(["a", "b", "c"]));
    policies.push(policy([3, 5, 3], Activation::Tanh, Head::Logits, discrete()));
    policies.push(policy([3, 5, 3], Activation::Relu, Head::QValues { quantiles: 1 }, discrete()));
    policies.push(policy([3, 5, 12], Activation::Relu, Head::QValues { quantiles: 4 }, discrete()));
    for clip_mean in [None, Some(0.5)] {
        policies.push(policy([3, 5, 2], Activation::Relu, Head::Squashed { clip_mean }, vector()));
    }
    for environment in ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"] {
        let expert = kanrl_experts::bundled::find(environment).expect("a bundled expert");
        policies.push(expert.file().standalone().expect("a network"));
    }
    policies
}

fn names(policy: &NetworkPolicy) -> Vec<String> {
    (0..policy.observation_size()).map(|index| format!("x_{index}")).collect()
}

const ROWS: usize = 50;

fn actions(policy: &dyn Policy, points: &[f64]) -> Vec<f64> {
    let mut actions = ActionBatch::zeros(policy.action_space(), ROWS);
    policy.act(points, &[0; ROWS], &mut actions).expect("finite");
    match actions {
        ActionBatch::Discrete(actions) => actions.into_iter().map(|action| action as f64).collect(),
        ActionBatch::Continuous { values, .. } => values.into_iter().map(f64::from).collect(),
    }
}

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
    }
}

#[test]
fn runtimes_compute_what_the_network_does() {
    let python = std::env::var("KANRL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let check = Command::new(&python).args(["-c", "import onnx, onnxruntime"]).output();
    let has_runtime = check.is_ok_and(|output| output.status.success());
    assert!(has_runtime || std::env::var_os("CI").is_none(), "no onnxruntime on CI; `cargo xtask setup` installs it");
    let folder = tempfile::tempdir().expect("a folder");
    let mut cases = Vec::new();
    for (index, policy) in policies().into_iter().enumerate() {
        let points: Vec<f64> =
            numbers(ROWS * policy.observation_size(), index).iter().map(|value| 2.0 * f64::from(*value)).collect();
        let bytes: Vec<u8> = points.iter().flat_map(|value| value.to_le_bytes()).collect();
        for precision in [Precision::Single, Precision::Double] {
            let name = format!("{index}-{precision:?}");
            match network(&policy, &names(&policy), precision, "a test") {
                Ok(file) => std::fs::write(folder.path().join(format!("{name}.onnx")), file).expect("written"),
                Err(error) => {
                    assert!(matches!(error, ExportError::OnnxInDoubles { name: "erf" }), "{error}");
                    continue;
                }
            }
            std::fs::write(folder.path().join(format!("{name}.points")), &bytes).expect("written");
            cases.push((name, index, precision));
        }
        // Our own reader, which computes in singles.
        let read = OnnxPolicy::standalone(&folder.path().join(format!("{index}-Single.onnx"))).expect("a policy");
        assert_close(&actions(&read, &points), &actions(&policy, &points), &format!("{index}, read back"));
    }
    if !has_runtime {
        println!("skipped: no Python with onnx and onnxruntime");
        return;
    }
    let script = "import sys, numpy as np, onnx, onnxruntime\n\
        onnxruntime.set_default_logger_severity(3)\n\
        for name in sys.argv[1:]:\n    \
        model = onnx.load(name + '.onnx')\n    \
        onnx.checker.check_model(model, full_check=True)\n    \
        assert {node.domain for node in model.graph.node} == {''}\n    \
        element = np.float64 if name.endswith('Double') else np.float32\n    \
        session = onnxruntime.InferenceSession(name + '.onnx', providers=['CPUExecutionProvider'])\n    \
        width = session.get_inputs()[0].shape[1]\n    \
        points = np.fromfile(name + '.points').reshape(-1, width).astype(element)\n    \
        outputs = session.run(None, {'obs': points})\n    \
        one = session.run(['action'], {'obs': points[:1]})[0]\n    \
        assert one.shape == outputs[0][:1].shape and np.allclose(one, outputs[0][:1], atol=1e-6)\n    \
        outputs[0].astype(np.float64).tofile(name + '.action')\n    \
        outputs[-1].astype(np.float64).tofile(name + '.scores')\n";
    let arguments = cases.iter().map(|(name, ..)| name);
    common::run(Command::new(&python).args(["-c", script]).args(arguments).current_dir(folder.path()));
    let policies = policies();
    for (name, index, _) in &cases {
        let policy = &policies[*index];
        let read = |kind: &str| -> Vec<f64> {
            let bytes = std::fs::read(folder.path().join(format!("{name}.{kind}"))).expect("numbers");
            bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().expect("8 bytes"))).collect()
        };
        let points = read("points");
        assert_close(&read("action"), &actions(policy, &points), name);
        if let ActionSpace::Discrete(space) = policy.action_space() {
            let mut scores = vec![0.0; ROWS * space.len()];
            policy.scores(&points, &[0; ROWS], &mut scores).expect("finite");
            assert_close(&read("scores"), &scores, name);
        }
    }
}

#[test]
fn what_does_not_depend_on_observations_alone_is_refused() {
    let layer = Layer::new(3, 2, &numbers(6, 1), None, Activation::Identity).expect("a layer");
    let network_of = || Mlp::new(vec![layer.clone()]).expect("a network");
    let time = Some(TimeFeature { max_steps: 100 });
    let timed = NetworkPolicy::new(network_of(), Head::Means, vector(), None, time, String::new()).expect("a policy");
    let bits = NetworkPolicy::new(network_of(), Head::Bits, vector(), None, None, String::new()).expect("a policy");
    for (policy, reason) in [(timed, "the time that is left"), (bits, "several choices at once")] {
        let error = network(&policy, &names(&policy), Precision::Single, "a test").expect_err("no function");
        assert!(error.to_string().contains(reason), "{error}");
    }
}
