//! An authority of the test's own, and certificates that it issues, by the program `openssl`.

#![expect(clippy::panic, reason = "a test stops at its first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

const INSTALL: &str = "install it: Debian, Ubuntu: sudo apt-get install openssl; macOS: brew install openssl";

/// Asks for no name, and makes an authority or a server of what it signs.
const CONFIG: &str = "[req]\nprompt = no\ndistinguished_name = name\n[name]\nCN = test\n\
    [authority]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n";

/// Signs certificates; its files go with it.
#[derive(Debug)]
pub(crate) struct Authority {
    folder: TempDir,
}

/// A certificate and its key, as files.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let authority = Self { folder };
        authority.write("openssl.cnf", CONFIG);
        authority.openssl(
            "req -x509 -config openssl.cnf -extensions authority -days 2 -nodes -newkey ec \
            -pkeyopt ec_paramgen_curve:prime256v1 -keyout authority.key -out authority.pem",
        );
        authority
    }

    /// Its own certificate, in PEM.
    pub(crate) fn pem(&self) -> String {
        let path = self.folder.path().join("authority.pem");
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A certificate for a server of these names, such as `DNS:localhost,IP:127.0.0.1`.
    pub(crate) fn issue(&self, names: &str) -> Certificate {
        self.write("server.ext", &format!("subjectAltName = {names}\nbasicConstraints = CA:FALSE\n"));
        self.openssl(
            "req -new -config openssl.cnf -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
            -keyout server.key -out server.csr",
        );
        self.openssl(
            "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -set_serial 1 -days 2 \
            -extfile server.ext -out server.pem",
        );
        let [certificate, key] = ["server.pem", "server.key"].map(|name| self.folder.path().join(name));
        Certificate { certificate, key }
    }

    fn write(&self, name: &str, text: &str) {
        let written = fs::write(self.folder.path().join(name), text);
        written.unwrap_or_else(|error| panic!("{name} cannot be written: {error}"));
    }

    fn openssl(&self, words: &str) {
        let output = Command::new("openssl")
            .args(words.split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("openssl does not start: {error}\n{INSTALL}"));
        assert!(output.status.success(), "openssl {words}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Certificate {
    /// The lines of a server's configuration that show it.
    pub(crate) fn lines(&self) -> [(&'static str, String); 3] {
        let shown = |path: &Path| path.display().to_string();
        [
            ("tls-cert-file", shown(&self.certificate)),
            ("tls-key-file", shown(&self.key)),
            ("tls-auth-clients", "no".to_owned()),
        ]
    }
}
