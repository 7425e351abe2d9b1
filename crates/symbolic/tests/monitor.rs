//! Exports with a monitor are compiled and run: inside of the box they do what the formula does, outside they say so.

mod common;

use common::tools;
use kanrl_symbolic::{ActionRule, Format, Formula, Monitor, export_with_monitor};
use std::process::Command;

fn discrete() -> (Formula, Monitor) {
    let formula = Formula::parse(&["theta", "theta_dot"], &[("a", "3*theta + theta_dot")], ActionRule::Threshold);
    let monitor = Monitor { low: vec![-0.4, -2.0], high: vec![0.4, 2.0], fallback: vec![1.0] };
    (formula.expect("a formula"), monitor)
}

fn vector() -> (Formula, Monitor) {
    let action = ActionRule::Clip { low: vec![-2.0], high: vec![2.0] };
    let formula = Formula::parse(&["theta", "theta_dot"], &[("torque", "-5*theta - theta_dot")], action);
    let monitor = Monitor { low: vec![-1.0, -8.0], high: vec![1.0, 8.0], fallback: vec![0.5] };
    (formula.expect("a formula"), monitor)
}

/// Observations, and the action and the flag for each: of the discrete formula, then of the vector one.
const CASES: &str =
    "-0.1 0.2 -> 0 0, 0.3 0\n0.2 0 -> 1 0, -1 0\n-0.5 0 -> 1 1, 2 0\n0.1 -9 -> 1 1, 0.5 1\nnan 0 -> 1 1, 0.5 1\n";

fn observations() -> Vec<(String, String)> {
    CASES
        .lines()
        .map(|line| line.split_once(" -> ").expect("an arrow"))
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect()
}

fn expected() -> String {
    observations().iter().map(|(_, said)| format!("{said}\n")).collect()
}

#[test]
fn c_checks_the_box() {
    let Some(compiler) = tools::c_compiler() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    for (name, (formula, monitor)) in [("one.c", discrete()), ("two.c", vector())] {
        write(name, &export_with_monitor(&formula, Format::C, &monitor).expect("it fits"));
    }
    // Both files have the same names: one program each, and their lines side by side.
    let main = |file: &str, call: &str, format: &str| {
        let rows: String = observations()
            .iter()
            .map(|(numbers, _)| {
                format!("    {{ double x[2] = {{{}}}; {call} }}\n", numbers.replace("nan", "NAN").replace(' ', ", "))
            })
            .collect();
        format!(
            "#include <stdio.h>\n#include \"{file}\"\nint main(void) {{\n    int outside;\n{rows}    return 0;\n}}\n"
        )
        .replace("FORMAT", format)
    };
    write(
        "main1.c",
        &main("one.c", "int a = policy_monitored_action(x, &outside); printf(\"FORMAT\\n\", a, outside);", "%d %d"),
    );
    write(
        "main2.c",
        &main(
            "two.c",
            "float a[1]; policy_monitored_action(x, a, &outside); printf(\"FORMAT\\n\", a[0], outside);",
            "%g %d",
        ),
    );
    let lines = |number: &str| {
        let (source, program) = (format!("main{number}.c"), format!("main{number}"));
        let flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", &source, "-o", &program, "-lm"];
        tools::run(Command::new(&compiler).args(flags).current_dir(folder.path()));
        tools::run(Command::new(folder.path().join(program)).current_dir(folder.path()))
    };
    let both: String = lines("1").lines().zip(lines("2").lines()).map(|(one, two)| format!("{one}, {two}\n")).collect();
    assert_eq!(both, expected());
}

#[test]
fn rust_checks_the_box() {
    let Some(compiler) = tools::rust_compiler() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = String::new();
    for (name, (formula, monitor)) in [("one", discrete()), ("two", vector())] {
        let code = export_with_monitor(&formula, Format::Rust, &monitor).expect("it fits");
        text += &format!("mod {name} {{\n#![allow(dead_code)]\n{code}\n}}\n");
    }
    let rows: String = observations()
        .iter()
        .map(|(numbers, _)| {
            let numbers: Vec<String> = numbers.split(' ').map(|number| number.replace("nan", "f64::NAN")).collect();
            let numbers: Vec<String> = numbers
                .into_iter()
                .map(|number| if number.contains(['.', 'N']) { number } else { format!("{number}.0") })
                .collect();
            format!("    show([{}]);\n", numbers.join(", "))
        })
        .collect();
    text += "fn show(x: [f64; 2]) {\n    let (a, b) = (one::monitored_action(&x), two::monitored_action(&x));\n    \
             println!(\"{} {}, {} {}\", a.0, a.1 as u8, b.0[0], b.1 as u8);\n}\n";
    text += &format!("fn main() {{\n{rows}}}\n");
    std::fs::write(folder.path().join("main.rs"), text).expect("written");
    tools::run(
        Command::new(&compiler).args(["--edition", "2024", "-D", "warnings", "main.rs"]).current_dir(folder.path()),
    );
    assert_eq!(tools::run(&mut Command::new(folder.path().join("main"))), expected());
}

#[test]
fn numpy_checks_the_box() {
    let Some(python) = tools::python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for (name, (formula, monitor)) in [("one.py", discrete()), ("two.py", vector())] {
        let code = export_with_monitor(&formula, Format::NumPy, &monitor).expect("it fits");
        std::fs::write(folder.path().join(name), code).expect("written");
    }
    let rows: Vec<String> = observations()
        .iter()
        .map(|(numbers, _)| format!("[{}]", numbers.replace("nan", "np.nan").replace(' ', ", ")))
        .collect();
    let script = format!(
        "import numpy as np, one, two\nx = np.array([{}])\na, b = one.monitored_action(x), two.monitored_action(x)\n\
         for i in range(len(x)):\n    print(f'{{a[0][i]}} {{int(a[1][i])}}, {{b[0][i][0]:g}} {{int(b[1][i])}}')\n\
         assert one.monitored_action(x[0])[0] == a[0][0]\n",
        rows.join(", ")
    );
    std::fs::write(folder.path().join("main.py"), script).expect("written");
    let mut command = Command::new(python);
    assert_eq!(tools::run(command.args(["-W", "ignore", "main.py"]).current_dir(folder.path())), expected());
}

#[test]
fn a_monitor_that_does_not_fit_is_refused() {
    let (formula, monitor) = discrete();
    let refused = |format, change: &dyn Fn(&mut Monitor)| {
        let mut monitor = monitor.clone();
        change(&mut monitor);
        export_with_monitor(&formula, format, &monitor).expect_err("it does not fit").to_string()
    };
    assert!(refused(Format::C, &|monitor| monitor.fallback = vec![2.0]).contains("an action below 2"));
    assert!(refused(Format::C, &|monitor| monitor.fallback = vec![0.5]).contains("an action below 2"));
    assert!(refused(Format::C, &|monitor| monitor.low[0] = 1.0).contains("of `theta` are not in order"));
    assert!(refused(Format::C, &|monitor| monitor.low.truncate(1)).contains("bounds for 1 inputs, the formula has 2"));
    assert!(refused(Format::Latex, &|_| {}).contains("export to c, rust or numpy, not latex"));
}
