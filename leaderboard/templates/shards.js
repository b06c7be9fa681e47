// Parts of the site that are loaded when they are wanted. A page opened from a file may load
// scripts but not fetch data, so each part is a script that calls satShard.
"use strict";

const shardWaiters = new Map();

function satShard(folder, index, content) {
  shardWaiters.get(folder + "/" + index)?.resolve(content);
}
globalThis.satShard = satShard;

function loadShard(path, index) {
  const folder = path.split("/").pop();
  const key = folder + "/" + index;
  if (!shardWaiters.has(key)) {
    const waiter = Promise.withResolvers ? Promise.withResolvers() : withResolvers();
    shardWaiters.set(key, waiter);
    const script = document.createElement("script");
    script.src = `${document.body.dataset.root}${path}/${index}.js`;
    script.onerror = () => waiter.reject(new Error("cannot load " + script.src));
    document.head.append(script);
  }
  return shardWaiters.get(key).promise;
}

function withResolvers() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
