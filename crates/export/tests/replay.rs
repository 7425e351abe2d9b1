//! Exports are replayed in their own language against the formula.

mod common;

use common::contracts;
use kanrl_export::fixed::Word;
use kanrl_export::replay::{Outcome, ReplayError, compare, replay};
use kanrl_export::{ExportError, ExportFile, FILE_NAME, Format, Scalar, Target, check, rust_crate};
use kanrl_symbolic::Format as Text;

fn replayed(format: Format, scalar: Scalar) {
    let (mut share, mut rows): (f64, usize) = (0.0, 0);
    for (index, contract) in contracts().into_iter().enumerate() {
        // A simulator takes many seconds to build, one of large tables a minute.
        if format == Format::Verilog
            && ![&[0, 1, 4][..], &[3]][usize::from(scalar == Scalar::Fixed(Word::Q31))].contains(&index)
        {
            continue;
        }
        // onnxruntime has no inverse trigonometric functions in doubles.
        let target = Target { format, scalar };
        if matches!(target.files(&contract, None), Err(ExportError::OnnxInDoubles { .. })) {
            continue;
        }
        let files = target.files(&contract, None).unwrap_or_else(|error| panic!("{}: {error}", contract.formula));
        let points = contract.points(10_000);
        match replay(target, &files, &contract, &points) {
            Ok(Outcome::Replayed(replayed)) => {
                share = share.max(replayed.share);
                rows += replayed.rows;
                assert!(replayed.rows + replayed.switching == 10_000 && replayed.switching < 100, "{replayed:?}");
            }
            Ok(Outcome::Missing(what)) => {
                println!("skipped: {what}");
                assert!(std::env::var_os("CI").is_none(), "{what} on CI; `cargo xtask setup` installs it");
                return;
            }
            other => panic!("{}: {other:?}\n{}", contract.formula, String::from_utf8_lossy(&files[0].bytes)),
        }
    }
    println!("{} of {}: {rows} rows, errors up to {share:.2} of what is allowed", format.name(), scalar.name());
}

#[test]
fn c_in_doubles() {
    replayed(Text::C.into(), Scalar::Double);
}

#[test]
fn c_in_floats() {
    replayed(Text::C.into(), Scalar::Float);
}

#[test]
fn c_in_16_bits() {
    replayed(Text::C.into(), Scalar::Fixed(Word::Q15));
}

#[test]
fn c_in_32_bits() {
    replayed(Text::C.into(), Scalar::Fixed(Word::Q31));
}

#[test]
fn headline_formulas_are_replayed_in_every_language() {
    let doubles = [Text::C, Text::Rust, Text::NumPy, Text::JavaScript, Text::Octave, Text::Julia].map(Format::from);
    let targets = doubles.map(|format| (format, Scalar::Double)).into_iter().chain([
        (Text::C.into(), Scalar::Float),
        (Text::C.into(), Scalar::Fixed(Word::Q15)),
        (Text::C.into(), Scalar::Fixed(Word::Q31)),
        (Format::Onnx, Scalar::Float),
    ]);
    let targets: Vec<(Format, Scalar)> = targets.collect();
    for (name, contract) in common::headlines() {
        let points = contract.points(2000);
        for (format, scalar) in &targets {
            let target = Target { format: *format, scalar: *scalar };
            let files = match target.files(&contract, None) {
                Err(ExportError::Fixed(error)) if name == "Acrobot-v1" => {
                    println!("{name} has no {}: {error}", scalar.name());
                    continue;
                }
                files => files.unwrap_or_else(|error| panic!("{name}: {error}")),
            };
            match replay(target, &files, &contract, &points) {
                Ok(Outcome::Replayed(replayed)) => assert!(replayed.rows > 1900, "{name}: {replayed:?}"),
                Ok(Outcome::Missing(what)) => println!("skipped: {what}"),
                other => panic!("{name} in {}, {}: {other:?}", format.name(), scalar.name()),
            }
        }
    }
}

#[test]
fn gcc_and_clang_have_nothing_to_warn_of() {
    let flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion", "-c", "policy.c"];
    for compiler in ["gcc", "clang"] {
        if !std::process::Command::new(compiler).arg("--version").output().is_ok_and(|output| output.status.success()) {
            println!("skipped: no {compiler}");
            continue;
        }
        for contract in contracts() {
            for scalar in Scalar::ALL {
                let folder = tempfile::tempdir().expect("a folder");
                let target = Target { format: Text::C.into(), scalar };
                for file in target.files(&contract, None).expect("bounded") {
                    std::fs::write(folder.path().join(file.name), file.bytes).expect("written");
                }
                common::run(std::process::Command::new(compiler).args(flags).current_dir(folder.path()));
            }
        }
    }
}

#[test]
fn rust() {
    replayed(Text::Rust.into(), Scalar::Double);
}

#[test]
fn numpy() {
    replayed(Text::NumPy.into(), Scalar::Double);
}

#[test]
fn a_rust_crate_is_checked_like_any_export() {
    let contract = &contracts()[1];
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("src")).expect("a new folder");
    for file in rust_crate(contract, None).expect("any formula") {
        std::fs::write(folder.path().join(file.name), file.bytes).expect("written");
    }
    std::fs::write(folder.path().join(FILE_NAME), contract.to_json()).expect("written");
    let checked = check(folder.path()).expect("a contract");
    assert!(matches!(&checked[..], [only] if only.file == "src/lib.rs" && only.result.is_ok()), "{checked:?}");
    let manifest = std::fs::read_to_string(folder.path().join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("libm"), "{manifest}");
    // The crate itself has no standard library; the board's target is checked where it is installed.
    let source = folder.path().join("src/lib.rs");
    let libm = "#![no_std]\npub fn exp(x: f64) -> f64 { x }\npub fn log(x: f64) -> f64 { x }\npub fn sqrt(x: f64) -> f64 { x }\n\
                pub fn sin(x: f64) -> f64 { x }\npub fn cos(x: f64) -> f64 { x }\npub fn tanh(x: f64) -> f64 { x }\n";
    std::fs::write(folder.path().join("libm.rs"), libm).expect("written");
    for target in [None, Some("thumbv6m-none-eabi")] {
        let rustc = || {
            let mut command = std::process::Command::new("rustc");
            command.args(["--edition", "2024", "--crate-type", "rlib"]).current_dir(folder.path());
            command.args(target.into_iter().flat_map(|target| ["--target", target]));
            command
        };
        if !rustc().args(["--crate-name", "libm", "libm.rs"]).output().is_ok_and(|output| output.status.success()) {
            println!("skipped: no Rust compiler for {}", target.unwrap_or("this machine"));
            continue;
        }
        common::run(rustc().args(["-D", "warnings", "--extern", "libm=liblibm.rlib"]).arg(&source));
    }
}

#[test]
fn javascript() {
    replayed(Text::JavaScript.into(), Scalar::Double);
}

#[test]
fn octave() {
    replayed(Text::Octave.into(), Scalar::Double);
}

/// No package registry has Julia, so that CI does without; kanrl-symbolic's tests run what it says.
#[test]
fn julia() {
    if std::process::Command::new("julia").arg("--version").output().is_ok() {
        replayed(Text::Julia.into(), Scalar::Double);
    }
    let target = Target { format: Text::Julia.into(), scalar: Scalar::Double };
    let files = target.files(&contracts()[0], None).expect("any formula");
    assert_eq!(files[0].name, "policy.jl");
    let text = String::from_utf8_lossy(&files[0].bytes);
    assert!(text.contains("module Policy") && Target::find(&text).is_some_and(|(found, _)| found == target), "{text}");
}

#[test]
fn structured_text_is_a_function_block() {
    let target = Target { format: Text::StructuredText.into(), scalar: Scalar::Double };
    let files = target.files(&contracts()[0], None).expect("any formula");
    let text = String::from_utf8_lossy(&files[0].bytes);
    assert!(
        text.contains("FUNCTION_BLOCK policy") && Target::find(&text).is_some_and(|(found, _)| found == target),
        "{text}"
    );
    let outcome = replay(target, &files, &contracts()[0], &contracts()[0].points(1));
    assert!(matches!(outcome, Ok(Outcome::Missing(_))), "{outcome:?}");
}

#[test]
fn verilog_of_16_bits() {
    replayed(Format::Verilog, Scalar::Fixed(Word::Q15));
}

#[test]
fn verilog_of_32_bits() {
    replayed(Format::Verilog, Scalar::Fixed(Word::Q31));
}

#[test]
fn onnx_in_singles() {
    replayed(Format::Onnx, Scalar::Float);
}

#[test]
fn onnx_in_doubles() {
    replayed(Format::Onnx, Scalar::Double);
}

#[test]
fn onnx_is_read_back_as_an_expert() {
    use kanrl_core::action::ActionBatch;
    use kanrl_core::policy::Policy;
    let target = Target { format: Format::Onnx, scalar: Scalar::Float };
    for contract in contracts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("policy.onnx");
        std::fs::write(&path, target.single(&contract, None).expect("any")).expect("written");
        let policy = kanrl_experts::onnx::OnnxPolicy::standalone(&path).unwrap_or_else(|error| panic!("{error}"));
        let points: Vec<f64> = contract.points(500).into_iter().map(|value| f64::from(value as f32)).collect();
        let mut actions = ActionBatch::zeros(policy.action_space(), 500);
        policy.act(&points, &[0; 500], &mut actions).expect("finite");
        let actions: Vec<f64> = match actions {
            ActionBatch::Discrete(actions) => actions.into_iter().map(|action| action as f64).collect(),
            ActionBatch::Continuous { values, .. } => values.into_iter().map(f64::from).collect(),
        };
        compare(target, &contract, &points, None, &actions)
            .unwrap_or_else(|error| panic!("{}: {error}", contract.formula));
    }
}

#[test]
fn onnx_passes_its_checker() {
    let python = std::env::var("KANRL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !std::process::Command::new(&python)
        .args(["-c", "import onnx"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("skipped: no Python with onnx");
        assert!(std::env::var_os("CI").is_none(), "no Python with onnx on CI; `cargo xtask setup` installs it");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut names = Vec::new();
    for (index, contract) in contracts().iter().enumerate() {
        for scalar in [Scalar::Float, Scalar::Double] {
            let target = Target { format: Format::Onnx, scalar };
            let name = format!("{index}-{}.onnx", scalar.name());
            match target.single(contract, None) {
                Ok(bytes) => std::fs::write(folder.path().join(&name), bytes).expect("written"),
                Err(error) => {
                    assert!(matches!(error, ExportError::OnnxInDoubles { .. }), "{error}");
                    continue;
                }
            }
            names.push(name);
        }
    }
    let script = "import sys, onnx\n\
        for name in sys.argv[1:]:\n    \
        model = onnx.load(name)\n    \
        onnx.checker.check_model(model, full_check=True)\n    \
        assert {node.domain for node in model.graph.node} == {''}, name\n    \
        assert [value.name for value in model.graph.input] == ['obs'], name\n    \
        assert [value.name for value in model.graph.output] in (['action'], ['action', 'scores']), name\n";
    common::run(std::process::Command::new(&python).args(["-c", script]).args(&names).current_dir(folder.path()));
}

#[test]
fn an_export_that_was_changed_is_found() {
    let contract = &contracts()[0];
    let target = Target { format: Text::C.into(), scalar: Scalar::Fixed(Word::Q15) };
    let files = target.files(contract, None).expect("bounded");
    let changed: Vec<ExportFile> = files
        .iter()
        .map(|file| {
            let text = String::from_utf8_lossy(&file.bytes).replace("INT32_C(3)", "INT32_C(4)");
            ExportFile { name: file.name.clone(), bytes: text.into_bytes() }
        })
        .collect();
    assert_ne!(files, changed, "{}", String::from_utf8_lossy(&files[0].bytes));
    match replay(target, &changed, contract, &contract.points(100)) {
        Ok(Outcome::Missing(what)) => println!("skipped: {what}"),
        Err(ReplayError::Output { output, .. }) => assert_eq!(output, "a"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_is_checked_against_its_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let contract = &contracts()[0];
    std::fs::write(folder.path().join(FILE_NAME), contract.to_json()).expect("written");
    for target in [
        Target { format: Text::C.into(), scalar: Scalar::Fixed(Word::Q15) },
        Target { format: Text::Json.into(), scalar: Scalar::Double },
    ] {
        for file in target.files(contract, None).expect("bounded") {
            std::fs::write(folder.path().join(file.name), file.bytes).expect("written");
        }
    }
    let other = Target { format: Text::Latex.into(), scalar: Scalar::Double };
    std::fs::write(folder.path().join("other.tex"), &other.files(&contracts()[1], None).expect("any")[0].bytes)
        .expect("written");
    let checked = check(folder.path()).expect("a contract");
    let names: Vec<(&str, bool)> =
        checked.iter().map(|checked| (checked.file.as_str(), checked.result.is_ok())).collect();
    assert_eq!(names, [("formula.json", true), ("other.tex", false), ("policy.c", true)]);
}
