import { join } from 'node:path';
import { installJavaClient, installNodeClients, installPythonClients, installRustClient } from './install.ts';
import type { Client } from './run.ts';

/** A client of npm, installed: the script of this folder that uses it as its user would. */
export async function nodeClient(script: string): Promise<Client> {
  await installNodeClients();
  return { command: [process.execPath, join(import.meta.dirname, script)] };
}

/** A client of PyPI, installed: the script of this folder that uses it as its user would. */
export async function pythonClient(script: string): Promise<Client> {
  const PYTHONPATH = await installPythonClients();
  const env = { PYTHONPATH, PYTHONNOUSERSITE: '1', PYTHONDONTWRITEBYTECODE: '1' };
  return { command: ['python3', join(import.meta.dirname, script)], env };
}

/** The client of crates.io, built. */
export async function rustClient(): Promise<Client> {
  return { command: [await installRustClient()] };
}

/** The client of Maven Central, compiled. */
export async function javaClient(): Promise<Client> {
  return { command: ['java', '-cp', await installJavaClient(), 'Client'] };
}
