//! Ending the process while one of its threads hangs in foreign code.
#![allow(unsafe_code, reason = "`_exit` has no safe wrapper")]

/// Ends the process without running exit handlers or destructors: a thread that hangs while a library is being loaded
/// holds the loader's lock, which exit handlers wait for.
pub(crate) fn exit_at_once(status: u8) -> ! {
    #[cfg(unix)]
    // SAFETY: `_exit` has no preconditions.
    unsafe {
        libc::_exit(status.into())
    }
    #[cfg(not(unix))]
    std::process::exit(status.into())
}
