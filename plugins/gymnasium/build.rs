//! Lets the plugin find the libpython it was built with, wherever that lies.

fn main() {
    pyo3_build_config::add_libpython_rpath_link_args();
}
