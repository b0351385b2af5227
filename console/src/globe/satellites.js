// All satellites as one set of points; the vertex shader carries them on from the last keyframe.

import * as THREE from "../../vendor/three/three.module.js";
import { SERIES } from "../parts/paint.js";
import { EARTH_KM } from "../parts/geo.js";

/** @typedef {"state" | "shell" | "load"} Colouring */

// The same sum as positionAt in live/sky.js; Earth-fixed x, y, z is x, z, -y of the scene.
const VERTEX = /* glsl */ `
  attribute vec3 velocity;
  attribute float state;
  attribute float group;
  attribute float load;
  uniform float seconds;
  uniform float scale;
  uniform int colouring;
  uniform float chosen;
  uniform vec3 palette[8];
  varying vec3 tint;
  varying float shape;
  void main() {
    float radius = max(length(position), 1.0);
    vec3 up = position / radius;
    float rise = dot(up, velocity);
    vec3 along = velocity - rise * up;
    float speed = max(length(along), 1e-9);
    float angle = speed * seconds / radius;
    vec3 p = (position * cos(angle) + along * (sin(angle) * radius / speed)) * (1.0 + rise * seconds / radius);
    vec3 at = vec3(p.x, p.z, -p.y) / ${EARTH_KM};
    vec4 seen = modelViewMatrix * vec4(at, 1.0);
    gl_Position = projectionMatrix * seen;
    bool serving = state > 0.5 && state < 1.5;
    float size = serving ? 4.4 : 2.7;
    tint = serving ? vec3(0.34, 0.71, 0.91) : vec3(0.60, 0.65, 0.71);
    shape = 0.0;
    if (colouring == 1) tint = palette[int(mod(group, 8.0))];
    if (colouring == 2) {
      tint = mix(vec3(0.30, 0.36, 0.46), mix(vec3(0.34, 0.71, 0.91), vec3(0.94, 0.89, 0.26), clamp(load * 2.0 - 1.0, 0.0, 1.0)), clamp(load * 2.0, 0.0, 1.0));
      size = 2.2 + 4.0 * load;
    }
    if (state > 1.5) { tint = vec3(1.0, 0.54, 0.36); shape = 1.0; size = 5.0; }
    if (abs(float(gl_VertexID) - chosen) < 0.5) { shape = 2.0; size = 9.0; tint = vec3(1.0); }
    gl_PointSize = size * scale;
  }
`;

const FRAGMENT = /* glsl */ `
  precision mediump float;
  varying vec3 tint;
  varying float shape;
  void main() {
    vec2 q = gl_PointCoord * 2.0 - 1.0;
    float r = length(q);
    if (shape < 0.5) { if (r > 1.0) discard; }
    else if (shape < 1.5) { if (abs(abs(q.x) - abs(q.y)) > 0.35) discard; }
    else if (r > 1.0 || (r > 0.35 && r < 0.72)) discard;
    gl_FragColor = vec4(tint, 1.0);
  }
`;

const CODES = { state: 0, shell: 1, load: 2 };

export class SatellitePoints {
  #geometry = new THREE.BufferGeometry();
  #count = 0;
  #material = new THREE.ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: {
      seconds: { value: 0 },
      scale: { value: 1 },
      colouring: { value: 0 },
      chosen: { value: -1 },
      palette: { value: SERIES.map((colour) => new THREE.Color().setStyle(colour, THREE.LinearSRGBColorSpace)) },
    },
  });

  constructor() {
    this.object = new THREE.Points(this.#geometry, this.#material);
    this.object.frustumCulled = false;
  }

  /** @param {import("../live/sky.js").Keyframe} frame */
  take(frame) {
    if (frame.count !== this.#count) {
      this.#count = frame.count;
      this.#set("position", new THREE.BufferAttribute(new Float32Array(frame.count * 3), 3));
      this.#set("velocity", new THREE.BufferAttribute(new Float32Array(frame.count * 3), 3));
      this.#set("state", new THREE.BufferAttribute(new Float32Array(frame.count), 1));
      this.#set("group", new THREE.BufferAttribute(new Float32Array(frame.count), 1));
      this.#set("load", new THREE.BufferAttribute(new Float32Array(frame.count), 1));
    }
    this.#fill("position", frame.position);
    this.#fill("velocity", frame.velocity);
    this.#fill("state", frame.state);
  }

  /**
   * What colours stand for besides the state.
   * @param {ArrayLike<number>} groups  number of each satellite's shell
   * @param {ArrayLike<number>} loads  0 to 1
   */
  describe(groups, loads) {
    if (groups.length !== this.#count) return;
    this.#fill("group", groups);
    this.#fill("load", loads);
  }

  /** @param {Colouring} colouring */
  colourBy(colouring) {
    this.#material.uniforms.colouring.value = CODES[colouring];
  }

  /** @param {number} index  -1: none */
  choose(index) {
    this.#material.uniforms.chosen.value = index;
  }

  /**
   * @param {number} seconds  since the keyframe
   * @param {number} scale  of a point, screen pixels
   */
  move(seconds, scale) {
    this.#material.uniforms.seconds.value = seconds;
    this.#material.uniforms.scale.value = scale;
  }

  dispose() {
    this.#geometry.dispose();
    this.#material.dispose();
  }

  /**
   * @param {string} name
   * @param {THREE.BufferAttribute} attribute
   */
  #set(name, attribute) {
    attribute.setUsage(THREE.DynamicDrawUsage);
    this.#geometry.setAttribute(name, attribute);
  }

  /**
   * @param {string} name
   * @param {ArrayLike<number>} values
   */
  #fill(name, values) {
    const attribute = /** @type {THREE.BufferAttribute} */ (this.#geometry.getAttribute(name));
    attribute.array.set(values);
    attribute.needsUpdate = true;
  }
}
