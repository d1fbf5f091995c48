// A map in a page that is there already: it keeps its view and what is selected while its layers change.
// Every text in a feature's properties was made safe before it came here.
const FAR = 13.5;
const NIGHT = {land: "#1b2529", water: "#11181b", green: "#20352b", street: "#3a464c", major: "#55646c"};
const DAY = {land: "#fbfaf7", water: "#e3eaee", green: "#dce9d3", street: "#d3d5d8", major: "#b9bdc2"};

const beside = (name) => new URL(name, import.meta.url).href;
const script = (name) => new Promise((done, failed) => {
  const tag = Object.assign(document.createElement("script"), {src: beside(name), onload: done, onerror: failed});
  document.head.append(tag);
});
let tools;
const withTools = () => (tools ??= script("leaflet.js").then(() => script("page.js")));
const kept = new Map();
const fetched = (url) => {
  if (!kept.has(url)) {
    const asked = fetch(url).then((answer) => {
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      return answer.json();
    });
    asked.catch(() => kept.delete(url));
    kept.set(url, asked);
    kept.size > 24 && kept.delete(kept.keys().next().value);
  }
  return kept.get(url);
};

class LiveMap {
  constructor(root) {
    this.root = root;
    this.frame = document.createElement("div");
    this.frame.className = "live folium-map";
    const styles = ["leaflet.css", "page.css", "live.css"].map((name) => {
      const link = Object.assign(document.createElement("link"), {rel: "stylesheet", href: beside(name)});
      root.append(link);
      return new Promise((done) => Object.assign(link, {onload: done, onerror: done}));
    });
    root.append(this.frame);
    this.ready = Promise.all([withTools(), ...styles]).then(() => this.open());
    this.hidden = new Map();
    this.work = Promise.resolve();
  }

  open() {
    this.map = L.map(this.frame, {zoomSnap: 0.25, maxZoom: 19, zoomControl: false, attributionControl: false});
    this.said = L.control.attribution({prefix: false, position: "bottomright"}).addTo(this.map);
    L.control.scale({position: "bottomright"}).addTo(this.map);
    L.control.zoom({position: "bottomright"}).addTo(this.map);
    this.panel = document.createElement("section");
    this.panel.id = "panel";
    this.panel.innerHTML = '<details><summary>Legend</summary><div class="layers"></div><div class="marks"></div></details>';
    this.panel.querySelector("details").open = this.frame.clientWidth > 640;
    this.frame.append(this.panel);
    L.DomEvent.disableClickPropagation(this.panel);
    L.DomEvent.disableScrollPropagation(this.panel);
    this.map.on("click", (event) => this.clicked(event, null));
    this.map.on("zoomend moveend", () => this.moved());
    new ResizeObserver(() => this.map.invalidateSize({animate: false})).observe(this.frame);
  }

  // Where a spot is asked for, a mark under the pointer is that spot as well.
  clicked({latlng: {lat, lng}}, id) {
    if (this.picking) {
      this.tell("point", [lat, lng]);
    } else if (id !== null || this.chosen) {
      this.choose(id, true);
    }
  }

  moved() {
    const zoom = this.map.getZoom();
    this.frame.classList.toggle("far", zoom < 15.5);
    this.frame.classList.toggle("farther", zoom < 13);
    const {lat, lng} = this.map.getCenter();
    this.place && sessionStorage.setItem(`sweepmap ${this.place}`, JSON.stringify([lat, lng, zoom]));
    this.ground();
  }

  show(data) {
    this.frame.style.height = `${data.height}px`;
    this.picking = data.picking;
    const paint = () => this.paint(data).catch((error) => {
      this.frame.dataset.failed = "The map could not be loaded. Reload the page, or sign in again.";
      console.warn("map", error.message);
    });
    this.work = this.work.then(() => this.ready).then(paint);
  }

  async paint(data) {
    const told = await fetched(data.layers);
    for (const [name, height] of Object.entries(told.panes)) {
      if (!this.map.getPane(name)) {
        const pane = this.map.createPane(name);
        pane.style.zIndex = height;
        pane.style.pointerEvents = name === "background" ? "none" : "";
      }
    }
    this.base = {near: data.near, far: data.far};
    this.said.getContainer().textContent = data.attribution;
    if (this.place !== data.place) {
      this.place = data.place;
      this.look(told.bounds);
    }
    this.dress();
    this.online(data.tiles);
    if (this.layers !== data.layers) {
      this.layers = data.layers;
      this.draw(told);
    }
    this.outline(data.rings ?? [], data.corners ?? []);
    delete this.frame.dataset.failed;
    this.choose(data.selected ?? null, false);
    this.frame.dataset.drawn = data.layers;
  }

  // Tiles of a server outside, only while somebody has switched them on: they stand in place of our own streets.
  online(url) {
    if (this.tiled !== url) {
      this.tiled = url;
      this.tiles?.remove();
      this.tiles = url && L.tileLayer(url, {maxZoom: 19, zIndex: 0}).addTo(this.map);
      this.frame.classList.toggle("online", Boolean(url));
    }
  }

  look(bounds) {
    const before = JSON.parse(sessionStorage.getItem(`sweepmap ${this.place}`) || "null");
    if (before) {
      this.map.setView(before.slice(0, 2), before[2], {animate: false});
      return;
    }
    const open = this.panel.querySelector("details").open;
    const gap = open ? [this.panel.offsetWidth + 24, 16] : [12, 48];
    this.map.fitBounds(bounds, {paddingTopLeft: gap, paddingBottomRight: [60, 28], maxZoom: 17, animate: false});
  }

  dress() {
    const [r, g, b] = (getComputedStyle(this.frame).getPropertyValue("--st-background-color").match(/[0-9a-f]{2}/gi) || [])
      .map((part) => parseInt(part, 16));
    const dark = r + g + b < 300;
    if (this.dark !== dark) {
      this.dark = dark;
      this.frame.classList.toggle("night", dark);
      this.ground(true);
    }
  }

  async ground(again = false) {
    if (!this.base || !this.place) {
      return;
    }
    const near = this.map.getZoom() >= FAR;
    const url = near ? this.base.near : this.base.far;
    if (this.grounded === url && !again) {
      return;
    }
    this.grounded = url;
    const {features, names} = await fetched(url);
    if (this.grounded !== url) {
      return;
    }
    const colours = this.dark ? NIGHT : DAY;
    this.frame.style.background = colours.water;
    this.floor?.remove();
    this.floor = L.geoJSON({type: "FeatureCollection", features}, {
      pane: "background", interactive: false, renderer: L.canvas({pane: "background", padding: 0.3}),
      style: ({properties: {kind, weight}}) => weight
        ? {color: colours[kind], weight, fill: false}
        : {stroke: false, fillColor: colours[kind], fillOpacity: 1},
    }).addTo(this.map);
    if (near && this.named !== url) {
      this.named = url;
      sweepmap.name(this.map, names);
    }
  }

  draw({layers, legend}) {
    this.control?.remove();
    this.drawn?.forEach((group) => group.off().remove());
    this.byId = new Map();
    const entries = {};
    this.drawn = layers.map(({label, parts, shown}) => {
      const group = L.layerGroup(parts.map((part) => this.part(part)));
      const name = this.title(label);
      (this.hidden.get(name) ?? !shown) || group.addTo(this.map);
      group.on("add", () => this.hidden.set(name, false));
      group.on("remove", () => this.map.hasLayer(group) || this.hidden.set(name, true));
      label && (entries[label] = group);
      return group;
    });
    this.control = L.control.layers({}, entries, {collapsed: false}).addTo(this.map);
    this.panel.querySelector(".layers").replaceChildren(this.control.getContainer());
    this.panel.querySelector(".marks").innerHTML = legend;
    this.panel.hidden = !Object.keys(entries).length;
  }

  part({features, pane, canvas, coarser, most}) {
    if (coarser.length) {
      return sweepmap.divided([features, ...coarser], most, (seen) => this.plain(seen, pane, canvas));
    }
    return this.plain(features, pane, canvas);
  }

  plain(features, pane, canvas) {
    return L.geoJSON({type: "FeatureCollection", features}, {
      pane,
      ...(canvas ? {renderer: L.canvas({pane, padding: 0.3})} : {}),
      style: (feature) => feature.properties.style,
      pointToLayer: sweepmap.point,
      onEachFeature: (feature, layer) => {
        sweepmap.tip(feature, layer);
        const {id} = feature.properties;
        if (id !== undefined) {
          this.byId.set(id, layer);
          layer.on("click", (event) => {
            L.DomEvent.stopPropagation(event);
            this.clicked(event, id);
          });
        }
      },
    });
  }

  outline(rings, corners) {
    this.byHand?.remove();
    const line = {pane: "marks", interactive: false, color: "#9a5b00", weight: 3, dashArray: "7 5", fillOpacity: 0.15};
    this.byHand = L.layerGroup([
      ...rings.map((ring) => L.polygon(ring, line)),
      L.polyline(corners, {...line, fill: false}),
      ...corners.map((corner) => L.circleMarker(corner, {...line, dashArray: null, radius: 5, fillOpacity: 1})),
    ]).addTo(this.map);
  }

  title(label) {
    const made = document.createElement("template");
    made.innerHTML = label;
    return made.content.querySelector(".entry")?.firstChild?.textContent ?? label;
  }

  choose(id, tell) {
    this.mark(this.chosen, false);
    this.chosen = id;
    const layer = this.mark(id, true);
    if (layer && !tell) {
      const at = layer.getLatLng ? layer.getLatLng() : layer.getBounds().getCenter();
      this.map.getBounds().contains(at) || this.map.panTo(at, {animate: false});
    }
    tell && this.tell("selected", id);
  }

  mark(id, on) {
    const layer = this.byId?.get(id);
    const icon = layer?.getElement?.();
    if (layer instanceof L.Marker) {
      icon?.classList.toggle("chosen", on);
    } else if (layer?.setStyle) {
      const {weight = 2} = layer.feature.properties.style ?? {};
      layer.setStyle({weight: on ? weight + 3 : weight});
    }
    return layer;
  }
}

export default function mount({data, parentElement, setStateValue}) {
  let live = parentElement.live;
  if (!live || !live.frame.isConnected) {
    live = parentElement.live = new LiveMap(parentElement);
  }
  live.tell = setStateValue;
  live.show(data);
}
