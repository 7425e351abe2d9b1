//! The comparison as Markdown.

use serde_json::Value;
use std::fmt::Write;

const HEAD: &str = "\
# kanrl compared with its peers

`cargo xtask compare` runs kanrl's criterion benches and the Python peers' scripts under `benches/peers/` in turn, on one
thread each (`two_threads` apart), and writes this file; `docs/comparison.json` holds every round. Times are per
element (a step, a row of the batch for one edge, a fit, an edge, an action): the median over rounds of each round's
fastest. *Times as fast* is the median of the rounds' ratios, with the smallest and largest in brackets; below 1 the peer
is faster. A peer that takes longer than 10 s has one round. `our own …` compares a case with another one of ours: `bare` is
MuJoCo's own `mj_step` and nothing else, a `formula` is in the loop where the name says so.
";

pub fn table(data: &Value) -> String {
    let mut text = HEAD.to_owned();
    for (area, measured) in
        data.as_object().into_iter().flatten().filter(|(area, _)| !["journeys", "training"].contains(&area.as_str()))
    {
        let _ = write!(text, "\n## {area}\n\n{}\n\n", conditions(measured));
        text += "| case | kanrl | peer | its time | times as fast | rounds |\n|---|---|---|---|---|---|\n";
        for row in measured["rows"].as_array().into_iter().flatten() {
            let ratios: Vec<f64> = row["ratios"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
            let (low, high) =
                ratios.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)));
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | **{}** [{}, {}] | {} |",
                row["case"].as_str().unwrap_or_default(),
                duration(row["ours"].as_f64()),
                row["peer"].as_str().unwrap_or_default(),
                duration(row["theirs"].as_f64()),
                ratio(row["ratio"].as_f64().unwrap_or(f64::NAN)),
                ratio(low),
                ratio(high),
                ratios.len(),
            );
        }
    }
    if let Some(cases) = data["training"]["cases"].as_object() {
        text += &training(&data["training"], cases);
    }
    if let Some(journeys) = data["journeys"].as_object().filter(|journeys| !journeys.is_empty()) {
        text += JOURNEYS;
        for (environment, journey) in journeys {
            let (ours, theirs) = (&journey["ours"], &journey["theirs"]);
            let number = |value: &Value| value.as_f64().map_or_else(String::new, |value| format!("{value:.1}"));
            let _ = writeln!(
                text,
                "| {environment} | {} | {} | {} | {} | {} | {} | **{}** |",
                number(&ours["cpu_seconds"]),
                number(&theirs["cpu_seconds"]),
                number(&ours["return"]),
                number(&theirs["return"]),
                ours["operations"],
                theirs["operations"],
                ratio(
                    theirs["cpu_seconds"].as_f64().unwrap_or(f64::NAN)
                        / ours["cpu_seconds"].as_f64().unwrap_or(f64::NAN)
                ),
            );
        }
        for (environment, journey) in journeys {
            let _ = writeln!(text, "\n{environment}: {}", conditions(journey));
        }
    }
    text
}

const TRAINING: &str = "
## training

`cargo xtask compare training`: PPO with the bundled experts' hyper-parameters, here (the example `train` of the crate
`experts`, which is what `kanrl train-expert` runs) with all cores, and in Stable-Baselines3 (`benches/peers/ppo_sb3.py`)
with torch on one thread, since two wait for each other in networks this small; seed by seed in turn. Environment steps a second of the whole training, by the clock and of CPU time: medians over
the seeds. Returns are those of the deterministic policy over 100 episodes: the seeds' mean, the smallest and the largest
in brackets.

";

fn training(measured: &Value, cases: &serde_json::Map<String, Value>) -> String {
    let numbers =
        |value: &Value| -> Vec<f64> { value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
    let range = |values: &[f64]| {
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
    };
    let mut text = format!("{TRAINING}{}\n\n", conditions(measured));
    text += "| environment | steps | kanrl's steps/s | SB3's | times as fast | per CPU second: kanrl's | SB3's \
             | times as fast | kanrl's return | SB3's return | seeds |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
    for (environment, case) in cases {
        let times = |name: &str| {
            let ratios = numbers(&case[name]);
            let (low, high) = range(&ratios);
            format!("**{}** [{}, {}]", ratio(super::median(&ratios)), ratio(low), ratio(high))
        };
        let rate = |side: &str, unit: &str| format!("{:.0}", case[side][unit].as_f64().unwrap_or(f64::NAN));
        let returned = |side: &str| {
            let returns = numbers(&case[side]["returns"]);
            let (low, high) = range(&returns);
            format!("{:.1} [{low:.1}, {high:.1}]", returns.iter().sum::<f64>() / returns.len() as f64)
        };
        let _ = writeln!(
            text,
            "| {environment} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            case["timesteps"],
            rate("ours", "steps_per_second"),
            rate("theirs", "steps_per_second"),
            times("ratios"),
            rate("ours", "steps_per_cpu_second"),
            rate("theirs", "steps_per_cpu_second"),
            times("cpu_ratios"),
            returned("ours"),
            returned("theirs"),
            numbers(&case["ratios"]).len(),
        );
    }
    text
}

const JOURNEYS: &str = "
## From the expert to the formula

`cargo xtask compare --pipeline ENVIRONMENT`: CPU seconds of the whole process, from a trained expert
(the bundled one; a recorded Stable-Baselines3 agent with `--reference DIR`) to an evaluated formula. The peer is `benches/peers/pipeline_pykan.py`: 5000 rows of the expert, 50 L-BFGS steps of pykan's
KAN, pruning, `auto_symbolic`, 100 episodes. Ours is `kanrl extract` at its defaults but for the videos, which the script
does not make either; it does more: several students, DAgger, tuning on return, selection, 100 episodes
of each of five policies, robustness. Operations as `formula.json` and SymPy count them: of two actions' scores ours needs
the difference alone.

| environment | kanrl's CPU s | pykan's CPU s | kanrl's return | pykan's return | kanrl's operations | pykan's operations | times less CPU |
|---|---|---|---|---|---|---|---|
";

fn conditions(measured: &Value) -> String {
    let machine = &measured["machine"];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let versions = measured["versions"].as_object().into_iter().flatten();
    let versions: Vec<String> = versions.map(|(package, version)| format!("{package} {}", text(version))).collect();
    format!(
        "{}, {} cores, load {} at the start; kanrl {}, {}; {}.",
        text(&machine["processor"]),
        machine["cores"],
        text(&machine["load"]),
        text(&machine["kanrl"]),
        text(&machine["rustc"]),
        versions.join(", "),
    )
}

fn ratio(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn duration(seconds: Option<f64>) -> String {
    let seconds = seconds.unwrap_or(f64::NAN);
    let (value, unit) = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")]
        .into_iter()
        .find(|(scale, _)| seconds >= *scale)
        .map_or((seconds / 1e-9, "ns"), |(scale, unit)| (seconds / scale, unit));
    format!("{value:.3} {unit}")
}
