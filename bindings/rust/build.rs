//! Makes the C core of this repository a part of the crate: compiles `native/`
//! with the system's C compiler, or, when `KINDLY_GUARD_PKG_CONFIG` is set, links
//! the library that pkg-config finds. Then says what `kg_abi.json` tells of the
//! layouts, so that other ones than `src/sys.rs` has do not compile.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PKG_CONFIG: &str = "KINDLY_GUARD_PKG_CONFIG";
const PACKAGE: &str = "kindly-guard-ipc";
/// A library of the same major version fits.
const VERSIONS: &str = "kindly-guard-ipc >= 0.1 kindly-guard-ipc < 1";

type Done<T> = Result<T, String>;

fn main() {
    if let Err(wrong) = make() {
        eprintln!("kindly-guard-ipc: {wrong}");
        std::process::exit(1);
    }
}

fn make() -> Done<()> {
    let of_pkg_config = ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR"];
    for variable in [PKG_CONFIG, "CC", "AR", "CFLAGS"].iter().chain(&of_pkg_config) {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    if variable("CARGO_CFG_TARGET_POINTER_WIDTH")? != "64" {
        return Err("a 64-bit system is needed".into());
    }
    let is_asked = |value: std::ffi::OsString| !value.is_empty() && value != "0";
    let include = if env::var_os(PKG_CONFIG).map_or(false, is_asked) {
        link_installed()?
    } else {
        let native = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../native");
        if !native.join("include").is_dir() {
            return Err(format!(
                "{} is missing, as behind cargo vendor: install the library, and set \
                 {PKG_CONFIG}=1",
                native.display()
            ));
        }
        compile(&native, &out)?;
        native.join("include")
    };
    let abi = include.join("kg_abi.json");
    println!("cargo:rerun-if-changed={}", abi.display());
    let json = fs::read_to_string(&abi).map_err(|error| format!("{}: {error}", abi.display()))?;
    let layouts = layouts_of(&json).ok_or_else(|| format!("{}: no layouts", abi.display()))?;
    fs::write(out.join("abi.rs"), as_rust(&layouts)).map_err(|error| error.to_string())
}

fn variable(name: &str) -> Done<String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

/// Runs a program to its end and gives what it printed.
fn run(program: &OsStr, arguments: &[&str]) -> Done<String> {
    let told = format!("{} {}", program.to_string_lossy(), arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{told}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{told}: {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// Returns the folder of the installed headers.
fn link_installed() -> Done<PathBuf> {
    let pkg_config = OsStr::new("pkg-config");
    run(pkg_config, &["--print-errors", "--exists", VERSIONS])?;
    for word in run(pkg_config, &["--libs", PACKAGE])?.split_whitespace() {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        } else if let Some(library) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={library}");
        }
    }
    // pkg-config leaves out the folder of a library that the linker knows.
    let folder = run(pkg_config, &["--variable=libdir", PACKAGE])?;
    println!("cargo:rustc-link-search=native={folder}");
    let include = run(pkg_config, &["--variable=includedir", PACKAGE])?;
    Ok(Path::new(&include).join(PACKAGE))
}

/// The C files of the core for the system that is compiled for, as
/// native/Makefile has them.
fn sources(native: &Path, system: &str) -> Done<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in ["base", "text", "ring", "file", "platform"] {
        let folder_path = native.join(folder);
        println!("cargo:rerun-if-changed={}", folder_path.display());
        let entries =
            fs::read_dir(&folder_path).map_err(|e| format!("{}: {e}", folder_path.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_wanted =
                folder != "platform" || name.starts_with("posix") || name.starts_with(system);
            if name.ends_with(".c") && is_wanted {
                files.push(path.clone());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn compile(native: &Path, out: &Path) -> Done<()> {
    let (system, definition) = match variable("CARGO_CFG_TARGET_OS")?.as_str() {
        "linux" => ("linux", "-D_GNU_SOURCE"),
        "macos" => ("darwin", "-D_DARWIN_C_SOURCE"),
        other => {
            return Err(format!(
                "the C core is not compiled here for {other}: install it by CMake, and set \
                 {PKG_CONFIG}=1"
            ))
        }
    };
    if variable("HOST")? != variable("TARGET")? && env::var_os("CC").is_none() {
        return Err(format!("set CC and AR to what compiles for {}", variable("TARGET")?));
    }
    println!("cargo:rerun-if-changed={}", native.join("include").display());
    let files = sources(native, system)?;
    let objects = out.join("objects");
    let _ = fs::remove_dir_all(&objects);
    fs::create_dir_all(&objects).map_err(|error| error.to_string())?;

    let cc = env::var("CC").unwrap_or_else(|_| "cc".into());
    // As make has it: a program, and what it is always given.
    let mut words = cc.split_whitespace();
    let program = words.next().unwrap_or("cc");
    let always: Vec<&str> = words.collect();
    let mut flags = env::var("CFLAGS").unwrap_or_default();
    let has_zlib = env::var_os("CARGO_FEATURE_ZLIB").is_some();
    if has_zlib {
        flags.push_str(" -DKG_WITH_ZLIB");
    }
    let jobs = env::var("NUM_JOBS").map_or(1, |text| text.parse().unwrap_or(1)).max(1);
    let mut running = Vec::new();
    // Each compiler leaves its object files in the folder that it runs in.
    for part in files.chunks((files.len() + jobs - 1) / jobs) {
        let child = Command::new(program)
            .args(&always)
            .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-pthread", "-fPIC"])
            .args(["-fvisibility=hidden", definition, "-c"])
            .args(flags.split_whitespace())
            .args(part)
            .current_dir(&objects)
            .spawn()
            .map_err(|error| format!("{cc}: {error}"))?;
        running.push(child);
    }
    let mut is_compiled = true;
    for mut child in running {
        is_compiled &= child.wait().map_err(|error| error.to_string())?.success();
    }
    if !is_compiled {
        return Err(format!("{cc} did not compile the C core"));
    }

    let archive = out.join("libkindly_guard_ipc.a");
    let _ = fs::remove_file(&archive);
    let names: Vec<String> = files
        .iter()
        .map(|file| objects.join(file.file_name().unwrap_or_default()).with_extension("o"))
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    let ar = env::var_os("AR").unwrap_or_else(|| "ar".into());
    let archive = archive.to_string_lossy();
    let mut arguments = vec!["crs", archive.as_ref()];
    arguments.extend(names.iter().map(String::as_str));
    run(&ar, &arguments)?;
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static=kindly_guard_ipc");
    if has_zlib {
        println!("cargo:rustc-link-lib=z");
    }
    Ok(())
}

struct Field {
    name: String,
    offset: usize,
    size: usize,
}

struct Layout {
    name: String,
    size: usize,
    fields: Vec<Field>,
}

enum Token {
    Text(String),
    Number(usize),
}

impl Token {
    fn text(self) -> Option<String> {
        match self {
            Token::Text(text) => Some(text),
            Token::Number(_) => None,
        }
    }

    fn number(self) -> Option<usize> {
        match self {
            Token::Number(number) => Some(number),
            Token::Text(_) => None,
        }
    }
}

/// The texts and the numbers of a JSON text, whose names have no escapes.
fn tokens(json: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c.is_ascii_digit()) {
        rest = &rest[at..];
        if let Some(text) = rest.strip_prefix('"') {
            let (name, behind) = text.split_once('"')?;
            tokens.push(Token::Text(name.to_string()));
            rest = behind;
        } else {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            tokens.push(Token::Number(rest[..end].parse().ok()?));
            rest = &rest[end..];
        }
    }
    Some(tokens)
}

/// `{ NAME: { "size": N, "fields": { NAME: [OFFSET, SIZE], … } }, … }`
fn layouts_of(json: &str) -> Option<Vec<Layout>> {
    let mut layouts: Vec<Layout> = Vec::new();
    let mut tokens = tokens(json)?.into_iter();
    while let Some(token) = tokens.next() {
        let name = token.text()?;
        match tokens.next()? {
            Token::Text(word) if word == "size" => {
                let size = tokens.next()?.number()?;
                tokens.next()?.text().filter(|word| word == "fields")?;
                layouts.push(Layout { name, size, fields: Vec::new() });
            }
            Token::Number(offset) => {
                let size = tokens.next()?.number()?;
                layouts.last_mut()?.fields.push(Field { name, offset, size });
            }
            Token::Text(_) => return None,
        }
    }
    (!layouts.is_empty()).then_some(layouts)
}

fn as_rust(layouts: &[Layout]) -> String {
    let mut text = String::new();
    for Layout { name, size, .. } in layouts {
        let _ = writeln!(text, "pub const {}: usize = {size};", name.to_uppercase());
    }
    let _ = writeln!(text, "#[cfg(test)]\npub const LAYOUTS: &[super::Layout] = &[");
    for Layout { name, size, fields } in layouts {
        let _ = writeln!(text, "  ({name:?}, {size}, &[");
        for Field { name, offset, size } in fields {
            let _ = writeln!(text, "    ({name:?}, {offset}, {size}),");
        }
        let _ = writeln!(text, "  ]),");
    }
    text.push_str("];\n");
    text
}
