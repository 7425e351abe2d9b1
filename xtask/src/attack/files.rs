//! Files of strangers: experts, logs, formulas, configs, whole run directories, libraries.

use super::Attack;
use super::mutate::{Generator, mutate};
use super::program::{Program, read, side_by_side};
use crate::shell::root;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file that works, and the command that reads it; `FILE` stands for it, and for the config that names it in `config`.
struct Base {
    path: PathBuf,
    arguments: &'static [&'static str],
    /// A config that names it.
    config: Option<&'static str>,
    kind: usize,
}

const EVALUATE_CART_POLE: &[&str] = &["evaluate", "CartPole-v1", "--episodes", "1", "--policy", "FILE"];
const EVALUATE_PENDULUM: &[&str] = &["evaluate", "Pendulum-v1", "--episodes", "1", "--policy", "FILE"];
const STATE_DICT: &[&str] = &["act", "FILE", "--activation", "tanh", "--observations", "three.csv", "--out", "OUT.csv"];
const STATES: &[&str] =
    &["act", "formula:theta", "--environment", "CartPole-v1", "--out", "OUT.csv", "--observations", "FILE"];
const CHECK: &[&str] = &["config", "check", "FILE"];

/// A log as an expert: reading it is part of the check.
const OF_LOG: &str = "[expert]\nkind = 'dataset'\npath = 'FILE'\n";
const OF_NORMALIZATION: &str =
    "environment.id = 'Pendulum-v1'\n[expert]\nkind = 'sb3'\npath = 'ARCHIVE'\nvecnormalize = 'FILE'\n";

/// Where bases lie, below the fixtures of `crates/experts`, and how they are read.
const FIXTURES: &[(&[&str], &[&str], Option<&str>)] = &[
    (&["agents/ppo/CartPole-v1.zip", "agents/dqn/CartPole-v1.zip"], EVALUATE_CART_POLE, None),
    (
        &["agents/td3/Pendulum-v1.zip", "agents/sac/Pendulum-v1.zip", "agents/ddpg/Pendulum-v1.zip"],
        EVALUATE_PENDULUM,
        None,
    ),
    (&["onnx/CartPole-v1.scores.onnx", "onnx/CartPole-v1.actions.onnx"], EVALUATE_CART_POLE, None),
    (&["onnx/Pendulum-v1.scores.onnx", "onnx/Pendulum-v1.actions.onnx"], EVALUATE_PENDULUM, None),
    (
        &[
            "torch/cleanrl_ppo.pt",
            "torch/cleanrl_ppo_continuous.pt",
            "torch/rsl_rl.pt",
            "torch/skrl.pt",
            "torch/rl_games.pth",
        ],
        STATE_DICT,
        None,
    ),
    (
        &["logs/strangers/text.csv", "logs/strangers/float.csv", "logs/strangers/bool.csv", "logs/strangers/tab.csv"],
        CHECK,
        Some(OF_LOG),
    ),
    (&["logs/strangers/episodes.npz", "logs/strangers/acts.npz", "logs/strangers/latin1.csv"], CHECK, Some(OF_LOG)),
    (&["logs/flat.hdf5", "logs/minari/kanrl/cartpole-v0/data/main_data.hdf5"], CHECK, Some(OF_LOG)),
    (&["agents/ppo/Pendulum-v1.vecnormalize.pkl"], CHECK, Some(OF_NORMALIZATION)),
];

/// A whole config, as text that works.
const CONFIG: &str = "\
seed = 3
stages = ['collect', 'fit', 'symbolify', 'refine', 'select', 'evaluate', 'report']
[environment]
id = 'CartPole-v1'
arguments = {}
[expert]
kind = 'formula'
expression = '3*theta + theta_dot'
[collect]
train_episodes = 5
validation_episodes = 2
[approximator]
kind = 'kan'
steps = 20
grid = 5
[students]
widths = [[], [2], [3, 3]]
rivals = false
[library]
functions = ['x', 'x^2', 'sin', 'tanh']
[select]
episodes = 5
[evaluate]
episodes = 5
robustness_episodes = 0
";

const CONFIG_AS_JSON: &str = r#"{
  "seed": 3,
  "environment": { "id": "CartPole-v1" },
  "expert": { "kind": "formula", "expression": "3*theta + theta_dot" },
  "collect": { "train_episodes": 5, "validation_episodes": 2 },
  "students": { "widths": [[], [2]] }
}"#;

fn bases(program: &Program) -> Result<Vec<Base>, String> {
    let fixtures = root().join("crates/experts/tests/fixtures");
    let mut bases = Vec::new();
    for (kind, (paths, arguments, config)) in FIXTURES.iter().enumerate() {
        for path in *paths {
            bases.push(Base { path: fixtures.join(path), arguments, config: *config, kind });
        }
    }
    let mut add = |path: PathBuf, arguments, kind| bases.push(Base { path, arguments, config: None, kind });
    add(root().join("crates/experts/bundled/CartPole-v1.safetensors"), EVALUATE_CART_POLE, 100);
    let made = |name: &str, text: &str| {
        let path = program.folder.join(name);
        std::fs::write(&path, text).map(|()| path).map_err(|error| error.to_string())
    };
    add(made("config.toml", CONFIG)?, CHECK, 101);
    add(made("config.json", CONFIG_AS_JSON)?, CHECK, 101);
    let states: String = (0..50).map(|row| format!("0.{row},0.1,0.0{row},-0.2\n")).collect();
    let states = format!("x,x_dot,theta,theta_dot\n{states}");
    add(made("states.csv", &states)?, STATES, 102);
    made(
        "three.csv",
        &states
            .lines()
            .map(|line| format!("{}\n", line.rsplit_once(',').map_or("", |(row, _)| row)))
            .collect::<String>(),
    )?;
    add(fixtures.join("logs/observations.npy"), STATES, 102);
    Ok(bases)
}

/// What a command makes of a file of a base's kind.
fn read_by_program(program: &Program, base: &Base, file: &str, out: &str) -> Result<super::program::Ended, String> {
    let named = match base.config {
        Some(config) => {
            let archive = root().join("crates/experts/tests/fixtures/agents/ppo/Pendulum-v1.zip");
            let text = config.replace("FILE", file).replace("ARCHIVE", &archive.display().to_string());
            let path = format!("{out}.toml");
            std::fs::write(program.folder.join(&path), text).map_err(|error| error.to_string())?;
            path
        }
        None => file.to_owned(),
    };
    let arguments: Vec<String> =
        base.arguments.iter().map(|word| word.replace("FILE", &named).replace("OUT", out)).collect();
    program.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

pub fn hostile_files(program: &Program, generator: &mut Generator, count: usize) -> Result<Attack, String> {
    let bases = bases(program)?;
    for base in &bases {
        let ended = read_by_program(program, base, &base.path.display().to_string(), "valid")?;
        if ended.code != Some(0) {
            return Err(format!("{} is not a valid base: {}", base.path.display(), ended.said));
        }
    }
    let contents: Vec<Vec<u8>> = bases.iter().map(|base| read(&base.path)).collect::<Result<_, _>>()?;
    let mut hostile = Vec::new();
    for number in 0..count {
        let index = number % bases.len();
        let same: Vec<usize> = (0..bases.len()).filter(|other| bases[*other].kind == bases[index].kind).collect();
        let other = *generator.pick(&same);
        hostile.push((number, index, mutate(generator, &contents[index], &contents[other])));
    }
    let folder = program.folder.join("files");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let ends = side_by_side(&hostile, |(number, index, bytes)| {
        let base = &bases[*index];
        let name = base.path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
        let file = folder.join(format!("{number}-{name}"));
        std::fs::write(&file, bytes).map_err(|error| error.to_string())?;
        let out = format!("files/{number}");
        let ended = read_by_program(program, base, &file.display().to_string(), &out)?;
        let harm = ended.harm().map(|harm| format!("{}: {harm}", file.display()));
        if harm.is_none() {
            let _ = std::fs::remove_file(&file);
        }
        for extension in ["csv", "toml"] {
            let _ = std::fs::remove_file(program.folder.join(format!("{out}.{extension}")));
        }
        Ok((ended.code, harm))
    });
    let ends = ends.into_iter().collect::<Result<Vec<_>, String>>()?;
    let refused = ends.iter().filter(|(code, _)| *code != Some(0)).count();
    let harms = ends.into_iter().filter_map(|(_, harm)| harm).collect();
    let outcomes =
        format!("{refused} refused in words, {} read as something valid; {} bases", count - refused, bases.len());
    Ok(Attack { name: "hostile files", count, outcomes, harms })
}

/// Libraries that are broken: whatever their code does, the one that waits for it says so.
pub fn hostile_plugins(program: &Program, generator: &mut Generator, count: usize) -> Result<Attack, String> {
    let source = "plugins/double-integrator/double_integrator.c";
    let arguments = ["-shared", "-fPIC", "-Icrates/plugin/include", "-o", "target/attack/plugin.so", source, "-lm"];
    crate::shell::run("cc", &arguments)?;
    let library = read(&root().join("target/attack/plugin.so"))?;
    let (mut endings, mut harms) = (BTreeMap::new(), Vec::new());
    let file = program.folder.join("mutated.so");
    for _ in 0..count {
        let mut bytes = library.clone();
        for _ in 0..=generator.below(12) {
            let place = generator.below(bytes.len());
            bytes[place] ^= 1 << generator.below(8);
        }
        std::fs::write(&file, bytes).map_err(|error| error.to_string())?;
        let ended = program.run(&["plugins", "list", "mutated.so", "--plugin-limit", "5"])?;
        *endings.entry(ended.code.unwrap_or(-1)).or_insert(0) += 1;
        let is_named = ended.code == Some(0) || ended.said.replace(['\n', ' ', '│'], "").contains("mutated.so");
        harms.extend(ended.harm().or_else(|| (!is_named).then(|| format!("not named: {}", ended.said))));
    }
    let endings: Vec<String> = endings.iter().map(|(code, count)| format!("exit code {code}: {count}")).collect();
    Ok(Attack { name: "broken plugins", count, outcomes: endings.join(", "), harms })
}

/// Every file below a folder, by its path inside.
pub fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn visit(folder: &Path, place: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = format!("{place}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                visit(&entry.path(), &format!("{name}/"), files);
            } else if let Ok(bytes) = std::fs::read(entry.path()) {
                files.insert(name, bytes);
            }
        }
    }
    let mut files = BTreeMap::new();
    visit(folder, "", &mut files);
    files
}
