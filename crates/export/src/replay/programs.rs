//! What runs the exports of each language.

use super::{ReplayError, write};
use crate::target::{Format, Scalar, Target};
use kanrl_symbolic::{ActionRule, Format as Text, Formula};
use std::path::Path;
use std::process::Command;

/// Files to write beside an export, and commands to run there one after the other.
pub(super) struct Program {
    files: Vec<(&'static str, String)>,
    commands: Vec<Vec<String>>,
}

impl Program {
    pub fn run(&self, folder: &Path) -> Result<(), ReplayError> {
        for (name, text) in &self.files {
            write(&folder.join(name), text.as_bytes())?;
        }
        for command in &self.commands {
            let (name, arguments) = command.split_first().unwrap_or_else(|| unreachable!("a program's name"));
            let path = folder.join(name);
            let program = if path.is_file() { path } else { name.into() };
            let failed = |output: String| ReplayError::Failed { program: command.join(" "), output };
            let output = Command::new(program).args(arguments).current_dir(folder).output();
            let output = output.map_err(|error| failed(error.to_string()))?;
            if !output.status.success() {
                let said = [output.stderr, output.stdout].concat();
                return Err(failed(String::from_utf8_lossy(&said).into_owned()));
            }
        }
        Ok(())
    }
}

/// The first of these programs that starts with these arguments.
fn first<'a>(names: &[&'a str], check: &[&str]) -> Option<&'a str> {
    let starts = |name: &&&str| Command::new(name).args(check).output().is_ok_and(|output| output.status.success());
    names.iter().find(starts).copied()
}

/// Python with a module: the one that `KANRL_PYTHON` names, or `python3`.
pub(crate) fn python(module: &str) -> Option<String> {
    let set = std::env::var("KANRL_PYTHON").unwrap_or_default();
    let names: Vec<&str> = [set.as_str(), "python3", "python"].into_iter().filter(|name| !name.is_empty()).collect();
    first(&names, &["-c", &format!("import {module}")]).map(str::to_owned)
}

fn words(command: &[&str]) -> Vec<String> {
    command.iter().map(|word| (*word).to_owned()).collect()
}

/// The program for a target: none where it is not code, and what is missing where that is not installed.
pub(super) fn find(target: Target, formula: &Formula) -> Result<Option<Program>, String> {
    let is_vector = matches!(formula.action(), ActionRule::Clip { .. });
    Ok(Some(match target.format {
        Format::Text(Text::C) => {
            let compiler = first(&["cc", "gcc", "clang"], &["--version"]).ok_or("no C compiler (cc, gcc or clang)")?;
            let strict = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion"];
            Program {
                files: vec![("main.c", c_main(target.scalar, is_vector))],
                commands: vec![
                    words(&[&[compiler], &strict[..], &["-c", "policy.c", "-o", "policy.o"]].concat()),
                    words(&[compiler, "-std=c99", "-O2", "main.c", "policy.o", "-o", "replay", "-lm"]),
                    words(&["replay"]),
                ],
            }
        }
        Format::Text(Text::Rust) => {
            let compiler = first(&["rustc"], &["--version"]).ok_or("no Rust compiler (rustc)")?;
            Program {
                files: vec![("main.rs", rust_main(is_vector)), ("libm.rs", LIBM.to_owned())],
                commands: vec![
                    words(&[
                        compiler,
                        "--edition",
                        "2024",
                        "-O",
                        "--crate-type",
                        "rlib",
                        "--crate-name",
                        "libm",
                        "libm.rs",
                    ]),
                    words(&[
                        compiler,
                        "--edition",
                        "2024",
                        "-O",
                        "main.rs",
                        "-o",
                        "replay",
                        "--extern",
                        "libm=liblibm.rlib",
                    ]),
                    words(&["replay"]),
                ],
            }
        }
        Format::Text(Text::NumPy) => {
            let python = python("numpy").ok_or("no Python with NumPy (python3, or the one that KANRL_PYTHON names)")?;
            let script = "import numpy as np, policy\n\
                 points = np.fromfile('points').reshape(-1, INPUTS)\n\
                 policy.outputs(points).astype(np.float64).tofile('values')\n\
                 policy.action(points).astype(np.float64).tofile('actions')\n";
            let script = script.replace("INPUTS", &formula.inputs().len().max(1).to_string());
            Program { files: vec![("main.py", script)], commands: vec![words(&[&python, "-W", "ignore", "main.py"])] }
        }
        Format::Text(Text::JavaScript) => {
            let node = first(&["node"], &["--version"]).ok_or("no Node.js (node)")?;
            let script = "import fs from 'node:fs';\nimport * as policy from './policy.mjs';\n\
                 const bytes = fs.readFileSync('points');\n\
                 const points = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));\n\
                 const values = [], actions = [];\n\
                 for (let row = 0; row < points.length / policy.INPUTS; row++) {\n  \
                 const observation = points.subarray(row * policy.INPUTS, (row + 1) * policy.INPUTS);\n  \
                 values.push(...policy.outputs(observation));\n  \
                 actions.push(...[policy.action(observation)].flat());\n}\n\
                 fs.writeFileSync('values', Buffer.from(Float64Array.from(values).buffer));\n\
                 fs.writeFileSync('actions', Buffer.from(Float64Array.from(actions).buffer));\n";
            Program { files: vec![("main.mjs", script.to_owned())], commands: vec![words(&[node, "main.mjs"])] }
        }
        Format::Text(Text::Octave) => {
            let octave = first(&["octave-cli", "octave"], &["--version"]).ok_or("no Octave (octave-cli)")?;
            let script = format!(
                "points = fread(fopen('points'), [{}, Inf], 'double');\nvalues = [];\nactions = [];\n\
                 for row = 1:columns(points)\n  [action, outputs] = policy(points(:, row));\n  \
                 values(:, row) = outputs;\n  actions(:, row) = double(action);\nend\n\
                 fwrite(fopen('values', 'w'), values, 'double');\nfwrite(fopen('actions', 'w'), actions, 'double');\n",
                formula.inputs().len().max(1)
            );
            let command = [octave, "--no-gui", "--norc", "--quiet", "replay.m"];
            Program { files: vec![("replay.m", script)], commands: vec![words(&command)] }
        }
        Format::Text(Text::Julia) => {
            let julia = first(&["julia"], &["--version"]).ok_or("no Julia (julia)")?;
            let script = format!(
                "include(\"policy.jl\")\nbytes = read(\"points\")\n\
                 points = reshape(collect(reinterpret(Float64, bytes)), {}, :)\n\
                 open(\"values\", \"w\") do values\n    open(\"actions\", \"w\") do actions\n        \
                 for row in axes(points, 2)\n            write(values, Policy.outputs(points[:, row]))\n            \
                 action = Policy.action(points[:, row])\n            \
                 write(actions, Float64.(action isa Number ? [action] : action))\n        end\n    end\nend\n",
                formula.inputs().len().max(1)
            );
            let command = [julia, "--startup-file=no", "replay.jl"];
            Program { files: vec![("replay.jl", script)], commands: vec![words(&command)] }
        }
        Format::Text(Text::StructuredText) => return Err("nothing here runs Structured Text".to_owned()),
        Format::Verilog => {
            let verilator = first(&["verilator"], &["--version"]).ok_or("no Verilator (verilator)")?;
            let Scalar::Fixed(word) = target.scalar else { return Ok(None) };
            let build =
                ["--cc", "--exe", "--build", "-Wall", "-Wno-DECLFILENAME", "-Wno-UNUSED", "--top-module", "policy"];
            let files = ["policy.v", "main.cpp", "-o", "../replay"];
            Program {
                files: vec![("main.cpp", verilog_main(formula, word, is_vector))],
                commands: vec![words(&[&[verilator], &build[..], &files[..]].concat()), words(&["replay"])],
            }
        }
        Format::Onnx => {
            let python = python("onnxruntime")
                .ok_or("no Python with onnxruntime (python3, or the one that KANRL_PYTHON names)")?;
            // Action 0 of a threshold is what the output is compared with, not an output.
            let outputs = match formula.action() {
                ActionRule::Argmax => "scores.astype(np.float64).tofile('values')",
                ActionRule::Threshold => "scores[:, 1:].astype(np.float64).tofile('values')",
                ActionRule::Clip { .. } => "",
            };
            let (names, types) = if is_vector { ("[action]", "action") } else { ("[action, scores]", "action scores") };
            let element = if target.scalar == Scalar::Double { "np.float64" } else { "np.float32" };
            let script = format!(
                "import numpy as np, onnxruntime\n\
                 onnxruntime.set_default_logger_severity(3)\n\
                 points = np.fromfile('points').reshape(-1, {}).astype({element})\n\
                 session = onnxruntime.InferenceSession('policy.onnx', providers=['CPUExecutionProvider'])\n\
                 {names} = session.run('{types}'.split(), {{'obs': points}})\n\
                 one = session.run(['action'], {{'obs': points[:1]}})[0]\n\
                 assert one.shape[1:] == action.shape[1:] and len(one) == 1\n\
                 {outputs}\naction.astype(np.float64).tofile('actions')\n",
                formula.inputs().len().max(1)
            );
            Program { files: vec![("main.py", script)], commands: vec![words(&[&python, "main.py"])] }
        }
        _ => return Ok(None),
    }))
}

/// Reads points, converts them as the header says, and writes outputs and actions as doubles.
fn c_main(scalar: Scalar, is_vector: bool) -> String {
    let (observe, output, action) = match scalar {
        Scalar::Double => ("double x[POLICY_INPUTS];", "double y[POLICY_OUTPUTS];", "float a[POLICY_OUTPUTS];"),
        Scalar::Float => ("float x[POLICY_INPUTS];", "float y[POLICY_OUTPUTS];", "float a[POLICY_OUTPUTS];"),
        Scalar::Fixed(crate::fixed::Word::Q15) => {
            ("int16_t x[POLICY_INPUTS];", "int32_t y[POLICY_OUTPUTS];", "int16_t a[POLICY_OUTPUTS];")
        }
        Scalar::Fixed(crate::fixed::Word::Q31) => {
            ("int32_t x[POLICY_INPUTS];", "int64_t y[POLICY_OUTPUTS];", "int32_t a[POLICY_OUTPUTS];")
        }
    };
    let (tables, convert, value, vector) = match scalar {
        Scalar::Double => ("", "p[i]", "(double)y[i]", "(double)a[i]"),
        Scalar::Float => ("", "(float)p[i]", "(double)y[i]", "(double)a[i]"),
        Scalar::Fixed(word) => (
            "static const int in_bits[] = POLICY_OBSERVATION_FRACTION_BITS, out_bits[] = POLICY_OUTPUT_FRACTION_BITS;\n\
             #ifdef POLICY_ACTION_FRACTION_BITS\nstatic const int action_bits[] = POLICY_ACTION_FRACTION_BITS;\n#endif\n\
             static double held(double x) { return x > MOST ? MOST : (x < -MOST ? -MOST : x); }\n",
            if word == crate::fixed::Word::Q15 {
                "(int16_t)held(round(ldexp(p[i], in_bits[i])))"
            } else {
                "(int32_t)held(round(ldexp(p[i], in_bits[i])))"
            },
            "ldexp((double)y[i], -out_bits[i])",
            "ldexp((double)a[i], -action_bits[i])",
        ),
    };
    let most = if let Scalar::Fixed(word) = scalar {
        ((1_i64 << (word.bits() - 1)) - 1).to_string() + ".0"
    } else {
        String::new()
    };
    let act = if is_vector {
        format!(
            "{action} policy_action(x, a);\n        for (int i = 0; i < POLICY_OUTPUTS; i++) {{ double v = {vector}; fwrite(&v, sizeof v, 1, \
             actions); }}"
        )
    } else {
        "double v = policy_action(x); fwrite(&v, sizeof v, 1, actions);".to_owned()
    };
    format!(
        "#include \"policy.h\"\n#include <math.h>\n#include <stdio.h>\n{}int main(void) {{\n    \
         FILE *points = fopen(\"points\", \"rb\"), *values = fopen(\"values\", \"wb\"), *actions = fopen(\"actions\", \"wb\");\n    \
         double p[POLICY_INPUTS];\n    while (fread(p, sizeof p, 1, points) == 1) {{\n        {observe}\n        {output}\n        \
         for (int i = 0; i < POLICY_INPUTS; i++) x[i] = {convert};\n        policy_outputs(x, y);\n        \
         for (int i = 0; i < POLICY_OUTPUTS; i++) {{ double v = {value}; fwrite(&v, sizeof v, 1, values); }}\n        {act}\n    }}\n    \
         return fclose(points) + fclose(values) + fclose(actions);\n}}\n",
        tables.replace("MOST", &most)
    )
}

/// Reads points, sets the module's inputs, and writes its outputs; how numbers are meant stands in the module's comment.
fn verilog_main(formula: &Formula, word: crate::fixed::Word, is_vector: bool) -> String {
    let (inputs, outputs) = (formula.inputs().len(), formula.outputs().len());
    let (raw, wide) = if word == crate::fixed::Word::Q15 { ("int16_t", "int32_t") } else { ("int32_t", "int64_t") };
    let most = ((1_i64 << (word.bits() - 1)) - 1).to_string();
    let set: String = (0..inputs)
        .map(|index| {
            format!("        policy.observation_{index} = ({raw})raw(p[{index}], bits(\"observation\", {index}));\n")
        })
        .collect();
    let get: String = (0..outputs)
        .map(|index| {
            format!(
                "        put(values, std::ldexp((double)({wide})policy.output_{index}, -bits(\"outputs\", {index})));\n"
            )
        })
        .collect();
    let act: String = if is_vector {
        let one = |index: usize| {
            format!(
                "        put(actions, std::ldexp((double)({raw})policy.action_{index}, -bits(\"action\", {index})));\n"
            )
        };
        (0..outputs).map(one).collect()
    } else {
        "        put(actions, (double)policy.action);\n".to_owned()
    };
    format!(
        "#include \"Vpolicy.h\"\n#include <cmath>\n#include <cstdio>\n#include <fstream>\n#include <map>\n#include <string>\n\
         // `// outputs[0] = a * 2^28`\n\
         static int bits(const std::string &kind, int index) {{\n    static std::map<std::string, int> known;\n    \
         const std::string name = kind + \"[\" + std::to_string(index) + \"] = \";\n    \
         if (known.count(name)) return known[name];\n    std::ifstream file(\"policy.v\");\n    std::string line;\n    \
         int found = 0;\n    while (std::getline(file, line)) {{\n        const size_t at = line.rfind(\" * 2^\");\n        \
         if (line.rfind(\"// \" + name, 0) == 0 && at != std::string::npos) found = std::stoi(line.substr(at + 5));\n    }}\n    \
         return known[name] = found;\n}}\n\
         static double raw(double x, int bits) {{\n    x = std::round(std::ldexp(x, bits));\n    \
         return x > {most}.0 ? {most}.0 : (x < -{most}.0 ? -{most}.0 : x);\n}}\n\
         static void put(FILE *file, double value) {{ fwrite(&value, sizeof value, 1, file); }}\n\
         int main() {{\n    FILE *points = fopen(\"points\", \"rb\"), *values = fopen(\"values\", \"wb\"), *actions = fopen(\"actions\", \
         \"wb\");\n    Vpolicy policy;\n    double p[{inputs}];\n    while (fread(p, sizeof p, 1, points) == 1) {{\n{set}        \
         policy.eval();\n{get}{act}    }}\n    return fclose(points) + fclose(values) + fclose(actions);\n}}\n"
    )
}

fn rust_main(is_vector: bool) -> String {
    let actions = if is_vector { "policy::action(&x).map(f64::from)" } else { "[policy::action(&x) as f64]" };
    format!(
        "mod policy;\nfn main() {{\n    let points = std::fs::read(\"points\").unwrap();\n    \
         let points: Vec<f64> = points.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap())).collect();\n    \
         let (mut values, mut actions) = (Vec::new(), Vec::new());\n    \
         for x in points.chunks_exact(policy::INPUTS) {{\n        let x: [f64; policy::INPUTS] = x.try_into().unwrap();\n        \
         values.extend(policy::outputs(&x).iter().flat_map(|y| y.to_le_bytes()));\n        \
         actions.extend({actions}.iter().flat_map(|a| a.to_le_bytes()));\n    }}\n    \
         std::fs::write(\"values\", values).unwrap();\n    std::fs::write(\"actions\", actions).unwrap();\n}}\n"
    )
}

/// The functions of the crate `libm` that exports call, by the standard library: a replay needs no registry.
const LIBM: &str = "\
pub fn exp(x: f64) -> f64 { x.exp() }
pub fn log(x: f64) -> f64 { x.ln() }
pub fn sqrt(x: f64) -> f64 { x.sqrt() }
pub fn sin(x: f64) -> f64 { x.sin() }
pub fn cos(x: f64) -> f64 { x.cos() }
pub fn tan(x: f64) -> f64 { x.tan() }
pub fn tanh(x: f64) -> f64 { x.tanh() }
pub fn asin(x: f64) -> f64 { x.asin() }
pub fn acos(x: f64) -> f64 { x.acos() }
pub fn atan(x: f64) -> f64 { x.atan() }
pub fn atanh(x: f64) -> f64 { x.atanh() }
pub fn fabs(x: f64) -> f64 { x.abs() }
pub fn cbrt(x: f64) -> f64 { x.cbrt() }
pub fn pow(x: f64, y: f64) -> f64 { x.powf(y) }
";
