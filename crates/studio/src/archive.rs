//! A run's folder as a zip, streamed while it is packed.

use axum::body::{Body, Bytes};
use kanrl_pipeline::run::RunStore;
use std::io::Write;
use tokio::sync::mpsc;
use zip::write::SimpleFileOptions;

/// Bytes that are sent at a time.
const CHUNK: usize = 64 << 10;
/// The folder as a zip whose only top-level folder is `name`. Links and hidden files are left out.
pub fn stream(run: RunStore, name: String) -> Body {
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(4);
    tokio::task::spawn_blocking(move || {
        let mut writer = Writer { sender: sender.clone(), bytes: Vec::with_capacity(CHUNK) };
        if let Err(error) = pack(&run, &name, &mut writer).and_then(|()| writer.flush()) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    Body::from_stream(futures_util::stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    }))
}

fn pack(run: &RunStore, name: &str, writer: &mut Writer) -> std::io::Result<()> {
    let mut zip = zip::ZipWriter::new_stream(writer);
    run.visit(&mut |inside, mut file| {
        let options = SimpleFileOptions::default().large_file(true);
        zip.start_file(format!("{name}/{inside}"), options).map_err(std::io::Error::other)?;
        std::io::copy(&mut file, &mut zip).map(drop)
    })?;
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
