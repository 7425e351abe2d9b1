//! A run's folder as a zip, streamed while it is packed.

use axum::body::{Body, Bytes};
use std::io::Write;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use zip::write::SimpleFileOptions;

/// Bytes that are sent at a time.
const CHUNK: usize = 64 << 10;
/// How deep folders may lie in a run.
const DEEPEST: usize = 8;

/// The folder as a zip whose only top-level folder is `name`. Links and hidden files are left out.
pub fn stream(folder: PathBuf, name: String) -> Body {
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(4);
    tokio::task::spawn_blocking(move || {
        let mut writer = Writer { sender: sender.clone(), bytes: Vec::with_capacity(CHUNK) };
        if let Err(error) = pack(&folder, &name, &mut writer).and_then(|()| writer.flush()) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    Body::from_stream(futures_util::stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    }))
}

fn pack(folder: &Path, name: &str, writer: &mut Writer) -> std::io::Result<()> {
    let mut zip = zip::ZipWriter::new_stream(writer);
    let mut folders = vec![(folder.to_owned(), name.to_owned(), 0)];
    while let Some((folder, name, depth)) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let Ok(file_name) = entry.file_name().into_string() else { continue };
            let (kind, inside) = (entry.file_type()?, format!("{name}/{file_name}"));
            if file_name.starts_with('.') {
                continue;
            }
            if kind.is_dir() && depth < DEEPEST {
                folders.push((entry.path(), inside, depth + 1));
            } else if kind.is_file() {
                // Files that a running extraction renames meanwhile are simply not there.
                let Ok(mut file) = std::fs::File::open(entry.path()) else { continue };
                zip.start_file(inside, SimpleFileOptions::default().large_file(true)).map_err(std::io::Error::other)?;
                std::io::copy(&mut file, &mut zip)?;
            }
        }
    }
    zip.finish().map_err(std::io::Error::other)?;
    Ok(())
}

/// Sends what is written, in chunks; fails once nobody reads any more.
struct Writer {
    sender: mpsc::Sender<std::io::Result<Bytes>>,
    bytes: Vec<u8>,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.send()
    }
}

impl Writer {
    fn send(&mut self) -> std::io::Result<()> {
        let chunk = Bytes::from(std::mem::take(&mut self.bytes));
        self.sender.blocking_send(Ok(chunk)).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }
}
