//! How long an action takes: the formula in several languages, and a network beside it, in one run.

use crate::contract::Contract;
use crate::replay::python;
use crate::target::{Format, Scalar, Target};
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_symbolic::{ActionRule, Format as Text};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Observations at once: one, as on a robot, and as many as a simulator may ask for.
pub const BATCHES: [usize; 2] = [1, 64];
/// Rounds of which the fastest counts: whatever else the machine does only makes them slower.
const ROUNDS: usize = 7;
/// How long a round takes at least.
const ROUND: Duration = Duration::from_millis(30);

/// How long an action takes somewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// What was measured.
    pub name: String,
    /// Nanoseconds for an action, for each of [`BATCHES`]; or what is missing.
    pub nanoseconds: Result<[f64; 2], String>,
}

/// A policy that is measured beside the formula.
pub struct Peer<'a> {
    /// What it is called.
    pub name: String,
    /// The policy.
    pub policy: &'a dyn Policy,
    /// Its archive, where Stable-Baselines3 can load it.
    pub archive: Option<&'a Path>,
}

/// Measures the formula of a contract in Rust, C, NumPy and ONNX Runtime, and its peers. What is not installed is named.
///
/// # Errors
/// [`PolicyError`] where a policy cannot act on the contract's observations.
pub fn bench(contract: &Contract, policy: &dyn Policy, peers: &[Peer<'_>]) -> Result<Vec<Timing>, PolicyError> {
    let points = contract.points(BATCHES[1]);
    let measured = |name: &str, nanoseconds| Timing { name: name.to_owned(), nanoseconds };
    let mut timings = vec![
        measured("formula, Rust", Ok(of_policy(policy, &points)?)),
        measured("formula, C (-O2)", in_c(contract, &points)),
        measured("formula, NumPy", in_python(contract, Text::NumPy.into(), &points)),
        measured("formula, ONNX Runtime", in_python(contract, Format::Onnx, &points)),
    ];
    for peer in peers {
        timings.push(measured(&format!("{}, Rust", peer.name), Ok(of_policy(peer.policy, &points)?)));
        if let Some(archive) = peer.archive {
            let name = format!("{}, Stable-Baselines3's predict", peer.name);
            timings.push(measured(&name, in_stable_baselines3(archive, contract, &points)));
        }
    }
    Ok(timings)
}

/// The fastest of several rounds, in nanoseconds for each call.
fn fastest(mut call: impl FnMut()) -> f64 {
    let mut count = 1;
    let mut best = f64::INFINITY;
    for round in 0..=ROUNDS {
        let start = Instant::now();
        let mut calls = 0;
        while calls < count || start.elapsed() < ROUND {
            call();
            calls += 1;
        }
        // The first round finds out how many calls a round has.
        count = calls;
        if round > 0 {
            best = best.min(start.elapsed().as_nanos() as f64 / calls as f64);
        }
    }
    best
}

fn of_policy(policy: &dyn Policy, points: &[f64]) -> Result<[f64; 2], PolicyError> {
    let size = policy.observation_size();
    let mut times = [0.0; 2];
    for (time, batch) in times.iter_mut().zip(BATCHES) {
        let (rows, elapsed) = (&points[..batch * size], vec![0; batch]);
        let mut actions = ActionBatch::zeros(policy.action_space(), batch);
        policy.act(rows, &elapsed, &mut actions)?;
        let mut result = Ok(());
        *time = fastest(|| result = policy.act(std::hint::black_box(rows), &elapsed, &mut actions)) / batch as f64;
        result?;
    }
    Ok(times)
}

fn folder(files: &[(&str, Vec<u8>)]) -> Result<tempfile::TempDir, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

/// What a program printed: two numbers.
fn printed(command: &mut Command) -> Result<[f64; 2], String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match (output.status.success(), &numbers[..]) {
        (true, [one, many]) => Ok([*one, *many]),
        _ => Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it printed no times").to_owned()),
    }
}

fn bytes(points: &[f64]) -> Vec<u8> {
    points.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn in_c(contract: &Contract, points: &[f64]) -> Result<[f64; 2], String> {
    let target = Target { format: Text::C.into(), scalar: Scalar::Double };
    let files = target.files(contract, None).map_err(|error| error.to_string())?;
    let act = match contract.formula.action() {
        ActionRule::Clip { .. } => "float a[POLICY_OUTPUTS]; policy_action(x[row], a); sink += a[0];",
        _ => "sink += policy_action(x[row]);",
    };
    let main = format!(
        "#define _POSIX_C_SOURCE 199309L\n#include \"policy.h\"\n#include <stdio.h>\n#include <time.h>\n\
         static double x[{1}][POLICY_INPUTS];\nstatic volatile double sink;\n\
         static double now(void) {{ struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return 1e9 * (double)t.tv_sec + (double)t.tv_nsec; }}\n\
         static double measure(int batch) {{\n    double best = 1e300;\n    for (int round = 0; round < {ROUNDS}; round++) {{\n        \
         const double start = now();\n        long calls = 0;\n        double end;\n        do {{\n            \
         for (int again = 0; again < 1000; again++) {{\n                \
         for (int row = 0; row < batch; row++) {{ {act} }}\n            }}\n            calls += 1000;\n            end = now();\n        \
         }} while (end - start < {2}.0);\n        const double each = (end - start) / (double)(calls * batch);\n        \
         if (each < best) best = each;\n    }}\n    return best;\n}}\n\
         int main(void) {{\n    FILE *points = fopen(\"points\", \"rb\");\n    if (!points || fread(x, sizeof x, 1, points) != 1) return 1;\n    \
         printf(\"%.3f %.3f\\n\", measure({0}), measure({1}));\n    return 0;\n}}\n",
        BATCHES[0],
        BATCHES[1],
        ROUND.as_nanos()
    );
    let mut all: Vec<(&str, Vec<u8>)> = vec![("main.c", main.into_bytes()), ("points", bytes(points))];
    all.extend(files.iter().map(|file| (file.name.as_str(), file.bytes.clone())));
    let folder = folder(&all)?;
    let compiled = Command::new("cc")
        .args(["-std=c99", "-O2", "main.c", "policy.c", "-o", "bench", "-lm"])
        .current_dir(folder.path())
        .output()
        .map_err(|_| "there is no C compiler (cc)".to_owned())?;
    if !compiled.status.success() {
        return Err(String::from_utf8_lossy(&compiled.stderr).lines().next().unwrap_or_default().to_owned());
    }
    printed(Command::new(folder.path().join("bench")).current_dir(folder.path()))
}

/// Python that measures `act(points)`, which `prepare` defines.
fn script(prepare: &str, inputs: usize) -> String {
    format!(
        "import time\nimport numpy as np\npoints = np.fromfile('points').reshape(-1, {inputs})\n{prepare}\n\
         def measure(batch):\n    rows = points[:batch]\n    act(rows)\n    best = float('inf')\n    for _ in range({ROUNDS}):\n        \
         start, calls = time.perf_counter_ns(), 0\n        \
         while True:\n            act(rows)\n            calls += 1\n            end = time.perf_counter_ns()\n            \
         if end - start > {}:\n                break\n        best = min(best, (end - start) / calls / batch)\n    return best\n\
         print(measure({}), measure({}))\n",
        ROUND.as_nanos(),
        BATCHES[0],
        BATCHES[1]
    )
}

fn in_python(contract: &Contract, format: Format, points: &[f64]) -> Result<[f64; 2], String> {
    let target = Target { format, scalar: format.default_scalar() };
    let (module, prepare) = match format {
        Format::Onnx => (
            "onnxruntime",
            "import onnxruntime\noptions = onnxruntime.SessionOptions()\noptions.intra_op_num_threads = 1\n\
             session = onnxruntime.InferenceSession('policy.onnx', options, providers=['CPUExecutionProvider'])\n\
             points = points.astype(np.float32)\nact = lambda rows: session.run(['action'], {'obs': rows})",
        ),
        _ => ("numpy", "import policy\nact = policy.action"),
    };
    let python = python(module).ok_or_else(|| format!("there is no Python with {module}"))?;
    let file = target.single(contract, None).map_err(|error| error.to_string())?;
    let script = script(prepare, contract.observations.len().max(1)).into_bytes();
    let folder = folder(&[("main.py", script), ("points", bytes(points)), (format.file_name(), file)])?;
    printed(Command::new(python).arg("main.py").current_dir(folder.path()))
}

fn in_stable_baselines3(archive: &Path, contract: &Contract, points: &[f64]) -> Result<[f64; 2], String> {
    let python = python("stable_baselines3").ok_or("there is no Python with stable_baselines3")?;
    let archive = std::fs::canonicalize(archive).map_err(|error| error.to_string())?;
    let prepare = format!(
        "import stable_baselines3 as sb3\nmodel = None\nfor algorithm in (sb3.PPO, sb3.A2C, sb3.DQN, sb3.SAC, sb3.TD3, sb3.DDPG):\n    \
         try:\n        model = algorithm.load({:?}, device='cpu')\n        break\n    except Exception:\n        pass\n\
         points = points.astype(np.float32)\n\
         act = lambda rows: model.predict(rows if len(rows) > 1 else rows[0], deterministic=True)",
        archive.display().to_string()
    );
    let script = script(&prepare, contract.observations.len().max(1)).into_bytes();
    let folder = folder(&[("main.py", script), ("points", bytes(points))])?;
    printed(Command::new(python).arg("main.py").current_dir(folder.path()))
}
