//! Copies of a database that is in use, what a look into them finds, and the end of everything.

use std::path::PathBuf;
use std::sync::Arc;

use techpass_domain::time::Timestamp;
use techpass_store::sqlite::{Open, copy, inspect, lock};
use techpass_store::{Store, StoreError, Write};
use tempfile::TempDir;

struct World {
    folder: TempDir,
    store: Store,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("techpass.db").display());
    let open = Open {
        server: true,
        ..Open::default()
    };
    let open = techpass_store::Open {
        sqlite: open,
        ..techpass_store::Open::default()
    };
    let store = Store::open(&url, open).await.unwrap();
    World { folder, store }
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn issue(&self, n: usize) {
        let write = Write::Issue {
            kind: "test",
            key_sha256: format!("{n:064}"),
            data: "x".repeat(500),
            expires_at: Timestamp(9_000),
        };
        self.store.commit(vec![write]).await.unwrap();
    }
}

fn rows(path: &std::path::Path, table: &str) -> i64 {
    let inside = inspect(path).unwrap();
    let found = inside.rows.iter().find(|(name, _)| name == table);
    found.unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_holds_what_was_committed_before_it_and_is_whole() {
    let world = Arc::new(world().await);
    for n in 0..200 {
        world.issue(n).await;
    }
    let writing = tokio::spawn({
        let world = Arc::clone(&world);
        async move {
            for n in 200..400 {
                world.issue(n).await;
            }
        }
    });
    let (from, to) = (world.path("techpass.db"), world.path("copy ünder%way?.db"));
    copy(&from, &to).unwrap();
    writing.await.unwrap();
    let found = rows(&to, "single_use");
    assert!((200..=400).contains(&found), "{found}");
    assert_eq!(inspect(&to).unwrap().schema, techpass_store::schema_known());
    // Once more over what is there: refused.
    assert!(copy(&from, &to).is_err());
    assert!(copy(&world.path("nothing.db"), &world.path("other.db")).is_err());
}

#[tokio::test]
async fn every_damaged_page_is_found() {
    let world = world().await;
    for n in 0..300 {
        world.issue(n).await;
    }
    let to = world.path("copy.db");
    copy(&world.path("techpass.db"), &to).unwrap();
    let whole = std::fs::read(&to).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 40);
    let mut missed = Vec::new();
    for page in 0..pages {
        let mut damaged = whole.clone();
        for byte in &mut damaged[page * 4096..(page + 1) * 4096] {
            *byte = !*byte;
        }
        std::fs::write(&to, &damaged).unwrap();
        if inspect(&to).is_ok() {
            missed.push(page);
        }
    }
    assert!(
        missed.is_empty(),
        "of {pages} pages damage is not seen in {missed:?}"
    );
    std::fs::write(&to, &whole[..whole.len() / 2]).unwrap();
    assert!(inspect(&to).is_err());
}

#[tokio::test]
async fn a_server_keeps_its_lock() {
    let world = world().await;
    let path = world.path("techpass.db");
    assert!(matches!(lock(&path), Err(StoreError::Locked(_))));
    world.store.close().await.unwrap();
    let held = lock(&path).unwrap();
    assert!(matches!(lock(&path), Err(StoreError::Locked(_))));
    drop(held);
}

#[tokio::test]
async fn the_epoch_moves_for_one_and_everything_that_waits_ends() {
    let world = world().await;
    let store = &world.store;
    assert_eq!(store.epoch().await.unwrap(), None);
    let set = |from, to| store.commit(vec![Write::SetEpoch { from, to }]);
    set(None, 1).await.unwrap();
    for (from, to) in [(None, 1), (None, 2), (Some(3), 4)] {
        let lost = set(from, to).await;
        assert!(
            matches!(lost, Err(StoreError::Conflict("epoch"))),
            "{lost:?}"
        );
    }
    set(Some(1), 2).await.unwrap();
    assert_eq!(store.epoch().await.unwrap(), Some(2));
    let at = Timestamp(1_000);
    store.commit(vec![Write::NoteBackup { at }]).await.unwrap();
    assert_eq!(store.backed_up_at().await.unwrap(), Some(at));
    world.issue(1).await;
    store
        .commit(vec![Write::EndEverything { at }])
        .await
        .unwrap();
    let used = Write::Use {
        kind: "test",
        key_sha256: format!("{:064}", 1),
        at,
    };
    assert!(matches!(
        store.commit(vec![used]).await,
        Err(StoreError::Conflict(_))
    ));
}

#[tokio::test]
async fn a_delivery_belongs_to_one_at_a_time() {
    let world = world().await;
    let store = &world.store;
    let enqueue = Write::Enqueue {
        id: "one".to_owned(),
        kind: "notice",
        data: "{}".to_owned(),
        at: Timestamp(1_000),
    };
    store.commit(vec![enqueue]).await.unwrap();
    let claim = |at: i64| {
        let claim = Write::Claim {
            id: "one".to_owned(),
            at: Timestamp(at),
            until: Timestamp(at + 30),
        };
        async move { store.commit(vec![claim]).await.is_ok() }
    };
    // When, and whether it is free: until the claim ends, or for good when it was delivered.
    assert!(!claim(999).await);
    assert!(claim(1_000).await);
    assert!(!claim(1_029).await);
    assert!(claim(1_030).await);
    let delivered = Write::Delivered {
        id: "one".to_owned(),
        at: Timestamp(1_031),
    };
    store.commit(vec![delivered]).await.unwrap();
    assert!(!claim(2_000).await);
}
