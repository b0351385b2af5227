// Marks on the ground: gateways, points of presence and terminals, each kind and state with a shape of its own.

import * as THREE from "../../vendor/three/three.module.js";
import { scene } from "./earth.js";

/** @typedef {{latitude: number, longitude: number, colour: string, shape: Shape, size: number}} Mark */
/** @typedef {"circle" | "cross" | "triangle" | "ring" | "square" | "diamond"} Shape */

const SHAPES = { circle: 0, cross: 1, triangle: 2, ring: 3, square: 4, diamond: 5 };
const LIFT = 1.0015;

const VERTEX = /* glsl */ `
  attribute float shape;
  attribute float size;
  attribute vec3 tint;
  uniform float scale;
  varying float kind;
  varying vec3 colour;
  void main() {
    kind = shape;
    colour = tint;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
    // Whole marks or none: the depth buffer would cut them where the ground curves away.
    if (dot(normalize(position), cameraPosition - position) < 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = size * scale;
  }
`;

const FRAGMENT = /* glsl */ `
  precision mediump float;
  varying float kind;
  varying vec3 colour;
  void main() {
    vec2 q = gl_PointCoord * 2.0 - 1.0;
    float r = length(q);
    bool inside =
      kind < 0.5 ? r < 0.9 :
      kind < 1.5 ? abs(abs(q.x) - abs(q.y)) < 0.34 && r < 1.0 :
      kind < 2.5 ? q.y < 0.75 && abs(q.x) < (q.y + 0.95) * 0.53 :
      kind < 3.5 ? r < 0.95 && r > 0.5 :
      kind < 4.5 ? max(abs(q.x), abs(q.y)) < 0.72 :
      abs(q.x) + abs(q.y) < 0.95;
    if (!inside) discard;
    gl_FragColor = vec4(colour, 1.0);
  }
`;

export class Marks {
  #geometry = new THREE.BufferGeometry();
  #material = new THREE.ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    depthTest: false,
    depthWrite: false,
    uniforms: { scale: { value: 1 } },
  });

  constructor() {
    this.object = new THREE.Points(this.#geometry, this.#material);
    this.object.frustumCulled = false;
  }

  /** @param {readonly Mark[]} marks */
  show(marks) {
    const position = marks.flatMap((m) => scene(m.latitude, m.longitude).multiplyScalar(LIFT).toArray());
    const tint = marks.flatMap((m) => new THREE.Color().setStyle(m.colour, THREE.LinearSRGBColorSpace).toArray());
    const set = (/** @type {string} */ name, /** @type {number[]} */ values, /** @type {number} */ size) =>
      this.#geometry.setAttribute(name, new THREE.Float32BufferAttribute(values, size));
    set("position", position, 3);
    set("tint", tint, 3);
    set("shape", marks.map((m) => SHAPES[m.shape]), 1);
    set("size", marks.map((m) => m.size), 1);
  }

  /** @param {number} scale */
  scale(scale) {
    this.#material.uniforms.scale.value = scale;
  }

  dispose() {
    this.#geometry.dispose();
    this.#material.dispose();
  }
}
