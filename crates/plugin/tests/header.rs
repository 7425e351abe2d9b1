//! The C header is the code's, and a C compiler lays its tables out as Rust does.

use kanrl_plugin::abi::{
    KanrlActions, KanrlCoordinate, KanrlEnvironment, KanrlError, KanrlFrame, KanrlOutcome, KanrlParameter, KanrlPlugin,
    KanrlSpec, KanrlText,
};
use std::fmt::Write;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

/// The header that the code asks for.
fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is readable");
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/abi.rs"))
        .generate()
        .expect("the ABI can be written in C");
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).expect("the header is UTF-8")
}

#[test]
fn the_header_is_generated_from_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/kanrl_plugin.h");
    let generated = generated();
    if std::env::var_os("KANRL_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &generated).expect("the header can be written");
    }
    let committed = std::fs::read_to_string(&path).expect("the header can be read");
    assert!(
        committed == generated,
        "include/kanrl_plugin.h is not what src/abi.rs asks for: run KANRL_UPDATE_HEADER=1 cargo test -p kanrl-plugin --test header"
    );
}

macro_rules! layout {
    ($assertions:ident, $table:ident { $($field:ident),* $(,)? }) => {
        writeln!($assertions, "CHECK(sizeof({0}) == {1});", stringify!($table), size_of::<$table>()).unwrap();
        $( writeln!(
            $assertions,
            "CHECK(offsetof({0}, {1}) == {2});",
            stringify!($table),
            stringify!($field),
            offset_of!($table, $field)
        ).unwrap(); )*
    };
}

#[test]
fn c_and_cpp_compilers_lay_the_tables_out_as_rust_does() {
    let mut assertions = String::from(
        "#include \"kanrl_plugin.h\"\n#ifdef __cplusplus\n#define CHECK(what) static_assert(what, #what)\n\
         #else\n#define CHECK(what) _Static_assert(what, #what)\n#endif\n",
    );
    layout!(assertions, KanrlText { data, length });
    layout!(assertions, KanrlError { size, text, capacity, length });
    layout!(assertions, KanrlCoordinate { size, name, description, unit, low, high });
    layout!(
        assertions,
        KanrlSpec {
            size,
            observation,
            observation_count,
            discrete_actions,
            discrete_action_count,
            action,
            action_count,
            info_names,
            info_count,
            reward_threshold,
            has_reward_threshold,
            max_episode_steps,
            frames_per_second,
            observation_type,
            action_type,
        }
    );
    layout!(assertions, KanrlActions { size, rows, discrete, float32, float64 });
    layout!(assertions, KanrlOutcome { reward, terminated, truncated });
    layout!(assertions, KanrlParameter { size, name, unit, value });
    layout!(assertions, KanrlFrame { size, width, height, rgb });
    layout!(
        assertions,
        KanrlEnvironment {
            size,
            id,
            summary,
            default_arguments,
            arguments_schema,
            data,
            create,
            destroy,
            spec,
            reset,
            step,
            step_lanes,
            step_chunk,
            info,
            state,
            parameters,
            set_parameter,
            render,
            hints,
        }
    );
    layout!(assertions, KanrlPlugin { size, abi_version, flags, name, version, environments });

    let folder = tempfile::tempdir().expect("a temporary folder");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    for (compiler, file, standard) in [("cc", "layout.c", "-std=c11"), ("c++", "layout.cc", "-std=c++11")] {
        let source = folder.path().join(file);
        std::fs::write(&source, &assertions).expect("the source can be written");
        let output = Command::new(compiler)
            .args([standard, "-Wall", "-Wextra", "-Wno-unused-function", "-Werror", "-fsyntax-only", "-I"])
            .args([include.as_path(), &source])
            .output()
            .expect("a C and a C++ compiler are installed");
        assert!(output.status.success(), "{compiler}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
