//! Compiles Box2D from the sources that the package `wrapped2d` carries, and this crate's C interface to it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A folder that holds `Box2D/Box2D.h`, for builds that bring their own copy of Box2D 2.3.
const SOURCE_VARIABLE: &str = "BOX2D_SOURCE_DIR";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=cpp");
    println!("cargo::rerun-if-env-changed={SOURCE_VARIABLE}");

    let source = env::var_os(SOURCE_VARIABLE).map_or_else(packaged_source, PathBuf::from);
    let mut files = vec![PathBuf::from("cpp/engine.cpp")];
    for part in ["Common", "Collision", "Collision/Shapes", "Dynamics", "Dynamics/Contacts", "Dynamics/Joints"] {
        files.extend(cpp_files(&source.join("Box2D").join(part)));
    }
    let mut build = cc::Build::new();
    build.cpp(true).std("c++11").include(&source).include("cpp").files(files);
    // Every file sees the changes of `gymnasium.h` before Box2D's own headers.
    let include = if build.get_compiler().is_like_msvc() { "/FI" } else { "-include" };
    build.flag(include).flag("gymnasium.h");
    // Gymnasium's bits need plain IEEE arithmetic; fused multiply-adds round differently.
    build.flag_if_supported("-ffp-contract=off");
    // Debug builds of Rust are for debugging Rust: without optimization the solver is ten times slower.
    build.opt_level(3).warnings(false);
    if variable("PROFILE") == "release" {
        build.define("NDEBUG", None);
    }
    build.compile("box2d");
}

/// Where Cargo keeps the unpacked sources of `wrapped2d`. Cargo does not tell a build script where packages are that it
/// does not build, so this asks for the metadata of a package that depends on nothing else.
fn packaged_source() -> PathBuf {
    let folder = Path::new(&variable("OUT_DIR")).join("wrapped2d");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("OUT_DIR can be written");
    fs::create_dir_all(&folder).expect("OUT_DIR can be written");
    write("Cargo.toml", PACKAGE);
    write("lib.rs", "");
    // The workspace's lock file pins the version and the checksum, of what `cargo fetch` has fetched.
    if let Ok(lock) = fs::read_to_string("../../Cargo.lock") {
        write("Cargo.lock", &lock);
    }
    let metadata =
        cargo_metadata(&folder, &["--offline"]).or_else(|_| cargo_metadata(&folder, &[])).unwrap_or_else(|error| {
            panic!(
                "cargo cannot get Box2D's sources, the package wrapped2d: run `cargo fetch` once \
             with a network, or set {SOURCE_VARIABLE} to a folder that holds Box2D/Box2D.h\n{error}"
            )
        });
    let packages = metadata["packages"].as_array().expect("`cargo metadata` lists packages");
    let package = packages.iter().find(|package| package["name"] == "wrapped2d").expect("it is a dependency");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a package has a manifest"));
    manifest.with_file_name("Box2D").join("Box2D")
}

const PACKAGE: &str = r#"
[package]
name = "box2d-source"
version = "0.0.0"
edition = "2024"

[lib]
path = "lib.rs"

[dependencies]
wrapped2d = "=0.4.2"

[workspace]
"#;

fn cargo_metadata(folder: &Path, arguments: &[&str]) -> Result<serde_json::Value, String> {
    let output = Command::new(variable("CARGO"))
        .args(["metadata", "--format-version=1", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .args(arguments)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("{name}, which Cargo sets: {error}"))
}

fn cpp_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "cpp")).collect();
    files.sort();
    files
}
