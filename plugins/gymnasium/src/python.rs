//! The interpreter: which one it is, starting it, and the module that it runs for us.
#![allow(unsafe_code, reason = "starts the interpreter through its C API")]

use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{CStr, CString, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The environment variable that names the interpreter.
const VARIABLE: &str = "KANRL_PYTHON";

/// What a virtual environment's activation sets.
const ACTIVATED: [&str; 2] = ["VIRTUAL_ENV", "CONDA_PREFIX"];

/// Prints the interpreter's own path and its version.
const WHO: &str = "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])";

/// The interpreter whose packages are used: `$KANRL_PYTHON`, else that of the activated environment (`$VIRTUAL_ENV` or
/// `$CONDA_PREFIX`), else `python3` on the search path.
pub fn interpreter() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
    let activated = || ACTIVATED.into_iter().find_map(set).map(|folder| folder.join("bin").join("python"));
    set(VARIABLE).or_else(activated).unwrap_or_else(|| "python3".into())
}

/// Starts the interpreter the first time, and makes sure that it has Gymnasium.
///
/// # Errors
/// The reason why Python or Gymnasium cannot be used, in words.
pub fn start() -> Result<(), String> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    STARTED.get_or_init(load).clone()
}

fn load() -> Result<(), String> {
    let executable = identify(&interpreter())?;
    make_symbols_global()?;
    initialize(&executable)?;
    Python::attach(|py| {
        // What Gymnasium has to say about an old version or a wrapper is not for every run.
        let quiet = || py.run(c"import gymnasium; gymnasium.logger.min_level = gymnasium.logger.ERROR", None, None);
        quiet().and_then(|()| kanrl_gymnasium::module(py).map(drop)).map_err(|error| {
            let install = format!("(`{} -m pip install gymnasium` installs it)", executable.display());
            let reason = kanrl_gymnasium::text(py, &error);
            format!("Python {} has no usable Gymnasium: {reason} {install}", executable.display())
        })
    })
}

/// The interpreter's own path; a `python3` on the search path may be a script that chooses one.
fn identify(named: &Path) -> Result<PathBuf, String> {
    let cannot =
        |reason: &str| format!("cannot run Python `{}`: {reason} (${VARIABLE} names another)", named.display());
    let output = Command::new(named).args(["-c", WHO]).output().map_err(|error| cannot(&error.to_string()))?;
    if !output.status.success() {
        return Err(cannot(String::from_utf8_lossy(&output.stderr).trim()));
    }
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let (Some(executable), Some(version)) = (printed.lines().next(), printed.lines().nth(1)) else {
        return Err(cannot("it does not report its location"));
    };
    // SAFETY: returns a static string, even before the interpreter is started.
    let built_with = unsafe { CStr::from_ptr(ffi::Py_GetVersion()) }.to_string_lossy();
    let built_with: Vec<&str> = built_with.split(['.', ' ']).take(2).collect();
    let built_with = built_with.join(".");
    if version != built_with {
        return Err(format!(
            "Python `{executable}` has version {version}, this plugin was built for {built_with}: build it again with \
             PYO3_PYTHON={executable}"
        ));
    }
    Ok(executable.into())
}

/// Makes libpython's symbols visible to every library that is loaded later. The host loaded this plugin, and libpython
/// with it, for itself alone; but extension modules (NumPy's, …) name no libpython, they expect it to be there.
fn make_symbols_global() -> Result<(), String> {
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    // SAFETY: the address is a function's, the output is valid for the call.
    let found = unsafe { libc::dladdr(ffi::Py_GetVersion as *const libc::c_void, &raw mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return Err("the library that holds Python cannot be found".into());
    }
    // SAFETY: `dladdr` sets the name to a string that lives as long as the library.
    let path = unsafe { CStr::from_ptr(info.dli_fname) }.to_string_lossy().into_owned();
    let flags = libc::RTLD_NOW | libc::RTLD_GLOBAL;
    // SAFETY: the library is loaded already, so no initializer runs.
    let library = unsafe { libloading::os::unix::Library::open(Some(&path), flags) };
    std::mem::forget(library.map_err(|error| format!("{path}: {error}"))?);
    Ok(())
}

/// Starts the interpreter as `executable` would start: with the packages of its virtual environment.
fn initialize(executable: &Path) -> Result<(), String> {
    let name = CString::new(executable.as_os_str().as_encoded_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: the interpreter is started once (the caller holds the lock of a `OnceLock`); the config is initialized
    // before it is used and cleared after it; the thread state is given up so that any thread may attach.
    unsafe {
        if ffi::Py_IsInitialized() != 0 {
            return Ok(());
        }
        let mut config = std::mem::zeroed::<ffi::PyConfig>();
        ffi::PyConfig_InitPythonConfig(&raw mut config);
        // Ctrl-C stays the host's, and so does its command line.
        config.install_signal_handlers = 0;
        config.parse_argv = 0;
        let program_name = &raw mut config.program_name;
        let mut status = ffi::PyConfig_SetBytesString(&raw mut config, program_name, name.as_ptr());
        if ffi::PyStatus_Exception(status) == 0 {
            status = ffi::Py_InitializeFromConfig(&raw const config);
        }
        ffi::PyConfig_Clear(&raw mut config);
        if ffi::PyStatus_Exception(status) != 0 {
            let reason = if status.err_msg.is_null() {
                "no reason given".into()
            } else {
                CStr::from_ptr(status.err_msg).to_string_lossy()
            };
            return Err(format!("Python `{}` does not start: {reason}", executable.display()));
        }
        ffi::PyEval_SaveThread();
    }
    Ok(())
}
