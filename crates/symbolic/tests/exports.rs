//! Every export as code is compiled or run, and replayed against the tape on ten thousand points.

mod common;

use common::tools;
use kanrl_core::action::ActionBatch;
use kanrl_symbolic::{ActionRule, Format, Formula, Output, export};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROWS: usize = 10_000;

/// Names that are words of some language, or that another could be mistaken for.
const INPUTS: [&str; 3] = ["lambda", "theta_dot", "y1"];

/// Columns of people's logs: what no language takes for a name, and what some language takes for something else.
const NAMES: [[&str; 3]; 8] = [
    ["cart position", "pole angle (rad)", "pole-angle"],
    ["0", "1", "temp_%"],
    ["cos", "sin", "max"],
    ["int", "float", "E"],
    ["obs[0]", "obs(0)", "MAX"],
    ["*/ /* \"\"\"", "back\\slash\"", "unix"],
    ["None", "__LINE__", "double"],
    ["θ", "theta", "Höhe"],
];

/// Every operator with every kind of operand, at least once.
const EVERYTHING: [&str; 24] = [
    "3*lambda - theta_dot*y1 + 0.25",
    "-(lambda + y1)/theta_dot - (-2)*y1",
    "lambda^2 - 2*theta_dot^3 + y1^-2",
    "(lambda*y1)^3/(1 + theta_dot^2)",
    "abs(lambda)^1.5 + 2^y1 - (-lambda)^3",
    "exp(-lambda) * 1e-3",
    "log(lambda) + log(theta_dot + 4)",
    "sqrt(theta_dot + 1)",
    "sin(3*lambda + 0.5) - cos(theta_dot)*sin(y1)",
    "tan(0.4*y1)",
    "tanh(2*lambda - theta_dot)",
    "arcsin(lambda/4) + arccos(y1/2)",
    "arctan(lambda*theta_dot)",
    "arctanh(0.3*lambda)",
    "sign(lambda)*step(theta_dot)",
    "gaussian(lambda - 1) + gaussian(3*y1)",
    "min(lambda, theta_dot, y1)",
    "max(lambda, -theta_dot, 0.5, y1)",
    "clip(lambda*3, -1, 2)",
    "gate(y1 - 0.5, lambda, -theta_dot)",
    "-lambda - -3*y1 + 2*(lambda - (y1 - 1))",
    "lambda/theta_dot/y1*2",
    "-(lambda*y1) - lambda^2^0.5",
    "12345678.9",
];

fn formula(
    outputs: impl IntoIterator<Item = kanrl_symbolic::Expression>,
    action: ActionRule,
    inputs: [&str; 3],
) -> Formula {
    let outputs =
        outputs.into_iter().enumerate().map(|(index, expression)| Output { name: format!("a_{index}"), expression });
    Formula::new(inputs.map(str::to_owned).to_vec(), outputs.collect(), action).expect("a good formula")
}

fn formulas() -> Vec<Formula> {
    let parse = |text: &&str| text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let everything = formula(EVERYTHING.iter().map(parse), ActionRule::Argmax, INPUTS);
    let clipped = ["8*lambda - theta_dot", "y1/3", "exp(lambda)"].map(|text| text.parse().expect(text));
    let (low, high) = (vec![-2.0, f64::NEG_INFINITY, 0.1], vec![2.0, 0.5, f64::INFINITY]);
    let clipped = formula(clipped, ActionRule::Clip { low, high }, INPUTS);
    let threshold = formula(["3*theta_dot + y1".parse().expect("valid")], ActionRule::Threshold, INPUTS);
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let random = (0..12).map(|_| {
        let tree = common::usual_expression(&common::SMOOTH, 5).new_tree(&mut runner).expect("an expression");
        tree.current()
    });
    let random = formula(random.collect::<Vec<_>>(), ActionRule::Argmax, common::VARIABLES);
    common::register_natives();
    let native = ["cbrt(3*bump_ - 0.5) + bump(x)*cbrt(np)", "-2*bump(x - np)^2 + bump(0.5*bump_)"];
    let native = formula(native.map(|text| text.parse().expect(text)), ActionRule::Argmax, ["x", "np", "bump_"]);
    let curves = (0..6).map(|_| common::curve().new_tree(&mut runner).expect("a curve").current());
    let curves = curves.enumerate().map(|(index, curve)| {
        let argument = ["curve_1", "3*theta_dot - 1", "curve_1*y"][index % 3].parse().expect("valid");
        kanrl_symbolic::Expression::curve(curve.into(), argument) * 2.0
            - "sin(y)".parse::<kanrl_symbolic::Expression>().expect("valid")
    });
    let curves = formula(curves.collect::<Vec<_>>(), ActionRule::Argmax, ["curve_1", "theta_dot", "y"]);
    let mut formulas = vec![everything, clipped, threshold, random, native, curves];
    formulas.extend(NAMES.map(|names| {
        let [x, y, z] = names.map(|name| format!("`{name}`"));
        let texts = [format!("3*{x} - cos({y}) + sin({z})^2"), format!("exp({z}) - {x}*{y} + max({x}, {z}, 1)")];
        formula(texts.map(|text| text.parse().expect(&text)), ActionRule::Argmax, names)
    }));
    formulas
}

/// Points within −3 and 3 that fill the cube evenly.
fn points() -> Vec<f64> {
    let steps = [0.819_172_513_396_164_4, 0.671_043_606_703_789_3, 0.549_700_477_901_970_4];
    (0..ROWS).flat_map(|row| steps.map(|step| (step * (row as f64 + 0.5)).fract() * 6.0 - 3.0)).collect()
}

struct Case {
    formula: Formula,
    folder: tempfile::TempDir,
    values: Vec<f64>,
    /// Largest intermediate of each row: the measure of the differences allowed.
    scale: Vec<f64>,
    actions: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let points = points();
    let bytes: Vec<u8> = points.iter().flat_map(|value| value.to_le_bytes()).collect();
    let prepared = formulas().into_iter().map(|formula| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("points"), &bytes).expect("a writable folder");
        let tape = formula.compile().expect("its own inputs");
        let mut values = vec![0.0; ROWS * formula.outputs().len()];
        tape.evaluate(&points, &mut values);
        let mut scale = vec![0.0; ROWS];
        tape.largest_intermediates(&points, &mut scale);
        let actions = actions(&formula, &values);
        Case { formula, folder, values, scale, actions }
    });
    prepared.collect()
}

fn actions(formula: &Formula, values: &[f64]) -> Vec<f64> {
    let mut actions = match formula.action() {
        ActionRule::Clip { .. } => ActionBatch::Continuous { values: Vec::new(), size: formula.outputs().len() },
        _ => ActionBatch::Discrete(Vec::new()),
    };
    formula.act(values, &mut actions);
    match actions {
        ActionBatch::Discrete(actions) => actions.into_iter().map(|action| action as f64).collect(),
        ActionBatch::Continuous { values, .. } => values.into_iter().map(f64::from).collect(),
    }
}

impl Case {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a writable folder");
    }

    /// Writes the export.
    fn export(&self, name: &str, format: Format) {
        self.write(name, &export(&self.formula, format).expect("any formula"));
    }

    /// Compares what the program wrote to `values` and `actions` with the tape's.
    fn compare(&self, language: &str) {
        let read = |name: &str| -> Vec<f64> {
            let bytes = std::fs::read(self.path(name)).expect("what the program wrote");
            bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().expect("8 bytes"))).collect()
        };
        let (values, actions) = (read("values"), read("actions"));
        assert_eq!(values.len(), self.values.len(), "{language}");
        // SymPy is too slow to act on every point.
        assert!(actions.len() == self.actions.len() || language == "SymPy" && actions.len() >= 20, "{language}");
        let width = self.formula.outputs().len();
        for (index, (found, expected)) in values.iter().zip(&self.values).enumerate() {
            let (row, output) = (index / width, &self.formula.outputs()[index % width]);
            let scale = self.scale[row];
            let equal = found == expected
                || !found.is_finite() && !expected.is_finite()
                || (found - expected).abs() <= 1e-12 * scale;
            assert!(equal, "{language}, row {row}: {} is {found}, not {expected} (scale {scale})", output.expression);
        }
        let differing = actions.iter().zip(&self.actions).filter(|(found, expected)| found != expected).count();
        // Only where two outputs are equal but for rounding may the choice differ; NaN is chosen by some argmax.
        let undefined =
            self.values.chunks_exact(width).filter(|row| row.iter().any(|value| !value.is_finite())).count();
        assert!(differing <= undefined + actions.len() / 1000, "{language}: {differing} actions differ");
    }
}

#[test]
fn c_gives_the_same_values() {
    let Some(compiler) = tools::c_compiler() else { return };
    for case in cases() {
        case.export("policy.c", Format::C);
        let (read_action, width) = match case.formula.action() {
            ActionRule::Clip { .. } => ("float action[POLICY_OUTPUTS]; policy_action(x, action);", "POLICY_OUTPUTS"),
            _ => ("int action[1]; action[0] = policy_action(x);", "1"),
        };
        case.write(
            "main.c",
            &format!(
                "#include <stdio.h>\n#include \"policy.c\"\nint main(void) {{\n\
                 FILE *points = fopen(\"points\", \"rb\"), *values = fopen(\"values\", \"wb\"), *actions = fopen(\"actions\", \"wb\");\n\
                 double x[POLICY_INPUTS], y[POLICY_OUTPUTS];\n\
                 while (fread(x, sizeof x, 1, points) == 1) {{\n\
                 policy_outputs(x, y); fwrite(y, sizeof y, 1, values);\n{read_action}\n\
                 for (int i = 0; i < {width}; i++) {{ double a = (double)action[i]; fwrite(&a, sizeof a, 1, actions); }}\n}}\n\
                 return fclose(points) + fclose(values) + fclose(actions);\n}}\n"
            ),
        );
        let flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", "main.c", "-o", "policy", "-lm"];
        tools::run(Command::new(&compiler).args(flags).current_dir(case.folder.path()));
        tools::run(Command::new(case.path("policy")).current_dir(case.folder.path()));
        case.compare("C");
    }
}

#[test]
fn rust_without_its_standard_library_gives_the_same_values() {
    let Some(compiler) = tools::rust_compiler() else { return };
    let libm = library_file();
    let folder = format!("dependency={}", libm.parent().expect("a folder").display());
    for case in cases() {
        case.write("policy.rs", &format!("#![no_std]\n{}", export(&case.formula, Format::Rust).expect("any formula")));
        let actions = match case.formula.action() {
            ActionRule::Clip { .. } => "policy::action(&x).map(f64::from)",
            _ => "[policy::action(&x) as f64]",
        };
        case.write(
            "main.rs",
            &format!(
                "fn main() {{\n\
                 let points = std::fs::read(\"points\").unwrap();\n\
                 let points: Vec<f64> = points.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().unwrap())).collect();\n\
                 let (mut values, mut actions) = (Vec::new(), Vec::new());\n\
                 for x in points.chunks_exact(policy::INPUTS) {{\n\
                 let x: [f64; policy::INPUTS] = x.try_into().unwrap();\n\
                 values.extend(policy::outputs(&x).iter().flat_map(|y| y.to_le_bytes()));\n\
                 actions.extend({actions}.iter().flat_map(|a| a.to_le_bytes()));\n}}\n\
                 std::fs::write(\"values\", values).unwrap();\nstd::fs::write(\"actions\", actions).unwrap();\n}}\n"
            ),
        );
        let compile = |arguments: &[&str]| {
            let mut command = Command::new(&compiler);
            command.args(["--edition", "2024", "-O", "-D", "warnings", "-L", &folder]).args(arguments);
            tools::run(command.current_dir(case.folder.path()));
        };
        let libm = format!("libm={}", libm.display());
        compile(&["--crate-type", "rlib", "policy.rs", "--extern", &libm]);
        compile(&["main.rs", "--extern", "policy=libpolicy.rlib", "--extern", &libm]);
        tools::run(Command::new(case.path("main")).current_dir(case.folder.path()));
        case.compare("Rust");
    }
}

/// The compiled `libm` that this test was linked with.
fn library_file() -> PathBuf {
    assert_eq!(libm::fabs(-1.0), 1.0);
    let folder = std::env::current_exe().expect("a running test").parent().map(Path::to_owned).expect("a folder");
    let files = std::fs::read_dir(&folder).expect("a readable folder").map(|entry| entry.expect("an entry").path());
    let is_libm = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("liblibm-") && name.ends_with(".rlib")
    };
    files
        .filter(is_libm)
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok())
        .expect("libm's library")
}

fn run_python(case: &Case, python: &Path, script: &str) {
    case.write("main.py", script);
    tools::run(Command::new(python).args(["-W", "ignore", "main.py"]).current_dir(case.folder.path()));
}

#[test]
fn numpy_gives_the_same_values() {
    let Some(python) = tools::python() else { return };
    for case in cases() {
        case.export("policy.py", Format::NumPy);
        run_python(
            &case,
            &python,
            "import numpy as np, policy\n\
             points = np.fromfile('points').reshape(-1, 3)\n\
             policy.outputs(points).astype(np.float64).tofile('values')\n\
             policy.action(points).astype(np.float64).tofile('actions')\n\
             assert np.shape(policy.action(points[0])) == policy.action(points).shape[1:]\n",
        );
        case.compare("NumPy");
    }
}

#[test]
fn sympy_gives_the_same_values() {
    let Some(python) = tools::python() else { return };
    for case in cases() {
        case.export("policy.py", Format::SymPy);
        run_python(
            &case,
            &python,
            "import numpy as np, policy, sympy\n\
             columns = np.fromfile('points').reshape(-1, 3).T\n\
             def values(expressions):\n    \
             found = sympy.lambdify(policy.inputs, expressions, 'numpy')(*columns)\n    \
             return np.stack([np.broadcast_to(value, columns.shape[1:]) for value in found], axis=-1)\n\
             values(policy.outputs).astype(np.float64).tofile('values')\n\
             def action(point):\n    \
             try:\n        return policy.action(point)\n    \
             except TypeError:\n        return np.nan # outside a domain SymPy's values are complex\n\
             actions = [action(point) for point in columns.T[:20]]\n\
             np.array(actions, dtype=np.float32).astype(np.float64).tofile('actions')\n",
        );
        case.compare("SymPy");
    }
}

#[test]
fn operations_are_counted_as_sympy_counts_them() {
    let Some(python) = tools::python() else { return };
    let texts = [
        "lambda",
        "-lambda",
        "3*lambda + theta_dot",
        "-lambda - y1",
        "-lambda + y1",
        "-2*lambda",
        "-3.5*lambda",
        "lambda - 3.5",
        "-lambda*y1",
        "lambda*y1*theta_dot",
        "lambda/3",
        "lambda/y1",
        "1/lambda",
        "-1/lambda",
        "2.5/lambda/y1",
        "lambda^2",
        "lambda^2.5",
        "2^lambda",
        "sqrt(lambda)",
        "2*sqrt(lambda)",
        "-sqrt(lambda)",
        "sqrt(lambda + 1)/y1",
        "exp(-3.5*lambda)",
        "gaussian(lambda)",
        "sin(2*lambda + 1)",
        "abs(lambda - y1)",
        "min(lambda, y1, theta_dot)",
        "clip(lambda, -0.5, 1)",
        "step(lambda - 0.5)",
        "gate(lambda, y1, 3*y1 + 1)",
        "1.5*lambda^3 - 0.2*lambda*theta_dot^2 + y1 - 4.5*tanh(lambda*y1 - 0.5)",
        "(lambda + 1)*(y1 - 2)",
        "(lambda + y1)/(theta_dot + 2.5)",
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let expressions = texts.map(|text| text.parse().unwrap_or_else(|error| panic!("{text}: {error}")));
    let formula = formula(expressions, ActionRule::Argmax, INPUTS);
    std::fs::write(folder.path().join("policy.py"), export(&formula, Format::SymPy).expect("any formula"))
        .expect("writable");
    let script = "import policy, sympy\nprint(*[sympy.count_ops(output) for output in policy.outputs])";
    let counted = tools::run(Command::new(python).args(["-c", script]).current_dir(folder.path()));
    let counted: Vec<usize> = counted.split_whitespace().map(|count| count.parse().expect("a number")).collect();
    assert_eq!(counted.len(), texts.len());
    for ((text, output), counted) in texts.iter().zip(formula.outputs()).zip(&counted) {
        assert_eq!(output.expression.operations(), *counted, "{text}");
    }
    assert_eq!(formula.operations(), counted.iter().sum::<usize>());
}

/// Runs exports in Julia and in Structured Text without a compiler of either: rewritten as Python line by line, their values are those
/// of the text.
const BLOCKS: &str = include_str!("common/blocks.py");

/// Points at which those are run.
const FEW: usize = 300;

fn block_language(language: &str, format: Format) {
    let Some(python) = tools::python() else { return };
    for mut case in cases() {
        if let Err(error) = export(&case.formula, format) {
            assert!(error.to_string().contains("a function of the program's own"), "{error}");
            continue;
        }
        case.export("policy", format);
        case.write("main.py", BLOCKS);
        let (columns, rows) = (case.formula.inputs().len().to_string(), FEW.to_string());
        tools::run(
            Command::new(&python)
                .args(["-W", "ignore", "main.py", language, &columns, &rows])
                .current_dir(case.folder.path()),
        );
        let width = case.formula.outputs().len();
        case.actions.truncate(FEW * case.actions.len() / ROWS);
        case.values.truncate(FEW * width);
        case.compare(format.name());
    }
}

#[test]
fn what_julia_is_told_gives_the_same_values() {
    block_language("julia", Format::Julia);
}

#[test]
fn what_a_programmable_controller_is_told_gives_the_same_values() {
    block_language("st", Format::StructuredText);
}
