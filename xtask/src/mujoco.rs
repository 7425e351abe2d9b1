//! MuJoCo's shared library, from its Python wheel, and the Debian packages that draw without a window.

use crate::setup;
use crate::shell::{root, run};
use std::path::Path;

const LIBRARY: &str = "libmujoco.so.3.17.0";
/// The wheel by name, version and hash: pip refuses any other file.
const REQUIREMENT: &str =
    "mujoco==3.17.0 --hash=sha256:42371356efe53a5f5f73ed03fcb967bdf04048017f80e2fca01e71a360e42da2\n";
const EXTRACT: &str = "import glob, sys, zipfile; zipfile.ZipFile(glob.glob('.mujoco/wheel/*.whl')[0]).extract('mujoco/' + sys.argv[1], '.mujoco/wheel')";

/// Puts the library into `.mujoco/lib`, where kanrl finds it, and installs EGL.
pub fn install() -> Result<(), String> {
    library()?;
    let vendor = Path::new("/usr/share/glvnd/egl_vendor.d/50_mesa.json");
    let loader =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"].map(|folder| Path::new(folder).join("libEGL.so.1"));
    if vendor.is_file() && loader.iter().any(|file| file.exists()) {
        return Ok(());
    }
    // Without EGL pictures are drawn in two dimensions: no reason to stop.
    if let Err(reason) = setup::install_debian(&["libegl1", "libgl1-mesa-dri"]) {
        eprintln!("xtask: no EGL, so MuJoCo's pictures will be two-dimensional: {reason}");
    }
    Ok(())
}

fn library() -> Result<(), String> {
    let folder = root().join(".mujoco");
    let target = folder.join("lib").join(LIBRARY);
    if target.is_file() {
        return Ok(());
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(format!("no {LIBRARY} is known for this machine: name your own in KANRL_MUJOCO"));
    }
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let wheel = folder.join("wheel");
    std::fs::create_dir_all(&wheel).map_err(failed)?;
    std::fs::create_dir_all(folder.join("lib")).map_err(failed)?;
    std::fs::write(wheel.join("requirements.txt"), REQUIREMENT).map_err(failed)?;
    if run("python3", &["-m", "pip", "--version"]).is_err() {
        setup::install_debian(&["python3-pip"])?;
    }
    let download = "-m pip download --quiet --no-deps --only-binary=:all: --platform manylinux_2_28_x86_64 \
                    --python-version 3.12 --implementation cp --require-hashes --requirement \
                    .mujoco/wheel/requirements.txt --dest .mujoco/wheel";
    run("python3", &download.split_whitespace().collect::<Vec<_>>())?;
    run("python3", &["-c", EXTRACT, LIBRARY])?;
    std::fs::rename(wheel.join("mujoco").join(LIBRARY), target).map_err(failed)?;
    std::fs::remove_dir_all(wheel).map_err(failed)
}
